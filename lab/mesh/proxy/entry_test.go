package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	var mu sync.Mutex
	var from []string
	r := toRoute(routeTo(service("middle")))
	decide := r.decide
	r.decide = func(q *mesh.Request, s *mesh.Source) mesh.Decision {
		mu.Lock()
		defer mu.Unlock()
		from = append(from, s.Workload)
		return decide(q, s)
	}
	b := newBench(t, Options{}, r, podOf("middle", "middle-1", up.address()))
	other := New(Options{})
	defer other.Close()
	as := func(user *url.Userinfo) answer {
		u, _ := url.Parse(b.sidecar.URL)
		u.User = user
		tr := &http.Transport{Proxy: http.ProxyURL(u)}
		defer tr.CloseIdleConnections()
		res, err := (&http.Client{Transport: tr}).Get("http://middle/")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return answer{res, string(body)}
	}
	as(b.proxy.Credentials("middle-1")).want(t, 200, "middle / ")
	as(b.proxy.Credentials("front-1")).want(t, 200, "middle / ")
	mu.Lock()
	if len(from) != 2 || from[0] != "middle" || from[1] != "front" {
		t.Errorf("requests came from %v", from)
	}
	mu.Unlock()
	const unknown = "the sidecar does not know who calls: set HTTP_PROXY to the value that the lab gave this pod, with user and password\n"
	for _, user := range []*url.Userinfo{nil, url.UserPassword("front-1", "guess"), b.proxy.Credentials("gone-1"), other.Credentials("front-1")} {
		a := as(user)
		a.want(t, 407, unknown)
		if a.Header.Get("proxy-authenticate") == "" {
			t.Error("407 without Proxy-Authenticate")
		}
	}
	b.setPods() // middle-1 is gone: it may no longer call
	as(b.proxy.Credentials("middle-1")).want(t, 407, unknown)
}

// TestSidecarTargets sends whole URLs as RFC 3986 allows them: a scheme in any case, and an empty port, which is 80.
func TestSidecarTargets(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	asked := make(chan mesh.Request, 1)
	r := toRoute(routeTo(service("middle")))
	decide := r.decide
	r.decide = func(q *mesh.Request, s *mesh.Source) mesh.Decision {
		asked <- *q
		return decide(q, s)
	}
	b := newBench(t, Options{}, r, podOf("middle", "middle-1", up.address()))
	for target, want := range map[string]string{"http://middle/a": "middle 80", "HTTP://middle/a": "middle 80", "http://middle:/a": "middle 80", "http://middle:81/a": "middle:81 81"} {
		conn := raw(t, b.sidecar.Listener.Addr().String(), "GET "+target+" HTTP/1.1\r\nHost: x\r\nProxy-Authorization: "+b.proxy.token("front-1")+"\r\n\r\n")
		wantRaw(t, conn, 200, "middle /a ")
		if q := receive(t, "the request", asked); fmt.Sprint(q.Authority, " ", q.Port) != want {
			t.Errorf("%s: requested %s, port %d, want %s", target, q.Authority, q.Port, want)
		}
	}
}

func TestSidecarSpeaksPlainHTTPOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))))
	auth := "Proxy-Authorization: " + b.proxy.token("front-1") + "\r\n"
	for text, want := range map[string]string{
		"CONNECT middle:443 HTTP/1.1\r\nHost: middle:443\r\n": "CONNECT middle:443: the sidecar carries plain HTTP only; call http://middle instead and let the mesh do the encrypting\n",
		"GET /hops HTTP/1.1\r\nHost: middle\r\n":              "GET /hops: the sidecar is an HTTP proxy and wants the whole URL, beginning with http://\n",
		"GET https://middle/ HTTP/1.1\r\nHost: middle\r\n":    "GET https://middle/: the sidecar is an HTTP proxy and wants the whole URL, beginning with http://\n",
	} {
		conn, err := net.Dial("tcp", b.sidecar.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, text+auth+"\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "GET"})
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(io.LimitReader(res.Body, int64(len(want))))
		conn.Close()
		if string(body) != want || res.StatusCode/100 != 4 {
			t.Errorf("%s: %d %q, want %q", strings.TrimSpace(text), res.StatusCode, body, want)
		}
	}
}

func TestPortOfTheRequest(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	r := toRoute(routeTo(service("middle")))
	decide := r.decide
	requests := make(chan mesh.Request, 1)
	r.decide = func(q *mesh.Request, s *mesh.Source) mesh.Decision { requests <- *q; return decide(q, s) }
	b := newBench(t, Options{}, r, podOf("middle", "middle-1", up.address()))
	b.get("http://minimal:9090/a")
	saw := <-requests
	if saw.Port != 9090 || saw.Authority != "minimal:9090" || saw.Path != "/a" {
		t.Errorf("decided on port %d of %q, path %q", saw.Port, saw.Authority, saw.Path)
	}
	b.get("http://middle")
	saw = <-requests
	if saw.Port != 80 || saw.Authority != "middle" || saw.Path != "/" {
		t.Errorf("decided on port %d of %q, path %q", saw.Port, saw.Authority, saw.Path)
	}
	b.get("http://middle?q=1")
	saw = <-requests
	if saw.Path != "/?q=1" {
		t.Errorf("decided on path %q", saw.Path)
	}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	route := routeTo(service("middle"))
	route.Rewrite = &mesh.Rewrite{URI: func(string) string { return "/rewritten" }}
	route.Retries = mesh.Retries{Attempts: 3, On: istio.RetryOn5xx}
	r := toRoute(route)
	var allow atomic.Bool
	r.authorize = func(from, to *mesh.Source, q *mesh.Request) bool {
		if from.Principal != "cluster.local/ns/hopline/sa/front" || to.Workload != "middle" || q.Port != 8080 || q.Path != "/rewritten" {
			t.Errorf("authorized %s → %s port %d path %s", from.Principal, to.Workload, q.Port, q.Path)
		}
		return allow.Load()
	}
	b := newBench(t, Options{}, r, podOf("middle", "middle-1", up.address()))
	b.get("http://middle/").want(t, 403, "RBAC: access denied")
	if _, n := up.seen(); n != 0 {
		t.Error("the request was forwarded nevertheless")
	}
	allow.Store(true)
	b.get("http://middle/").want(t, 200, "middle /rewritten ")
	for _, h := range b.cluster(route.Destinations[0].Cluster).hosts.Load().list {
		if h.active.Load() != 0 {
			t.Errorf("%d requests active at rest", h.active.Load())
		}
	}
}
