package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hopline/hopline/lab/mesh"
)

// webSocket is an upstream that accepts an upgrade and then echoes lines until one is bye.
func webSocket(t testing.TB) string {
	return handle(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("connection") != "Upgrade" || r.Header.Get("upgrade") != "websocket" || r.Header.Get("sec-websocket-key") != "key" {
			w.WriteHeader(400)
			return
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-Websocket-Accept: yes\r\n\r\nwelcome\n")
		for {
			line, err := rw.ReadString('\n')
			if err != nil || line == "bye\n" {
				return
			}
			fmt.Fprintf(c, "you said %s", line)
		}
	})
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	logged := make(chan Access, 1)
	b := newBench(t, Options{Access: func(a *Access) { logged <- *a }}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", webSocket(t)))
	for _, end := range []string{"the client's", "the upstream's"} {
		c, err := net.Dial("tcp", b.ingress.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		// the first line follows the request immediately, before the response
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: middle\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-Websocket-Key: key\r\n\r\nearly\n")
		r := bufio.NewReader(c)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantHeaders(t, res.Header, map[string]string{"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-accept": "yes", "server": "hopline"})
		if res.StatusCode != 101 {
			t.Fatalf("status %d, want 101", res.StatusCode)
		}
		for _, want := range []string{"welcome\n", "you said early\n"} {
			if got, err := r.ReadString('\n'); got != want {
				t.Fatalf("%q, %v, want %q", got, err, want)
			}
		}
		for i := range 3 {
			fmt.Fprintf(c, "line %d\n", i)
			if got, err := r.ReadString('\n'); got != fmt.Sprintf("you said line %d\n", i) {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if end == "the client's" {
			c.Close()
		} else {
			io.WriteString(c, "bye\n")
			if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
				t.Errorf("after the end: %q, %v", rest, err)
			}
		}
		if a := receive(t, "the access record", logged); a.Status != 101 || a.Sent == 0 {
			t.Errorf("logged %+v", a)
		}
	}
}

func TestUpgradeRefusedByUpstream(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", webSocket(t)))
	b.get("http://middle/", "connection: upgrade", "upgrade: websocket", "sec-websocket-key: wrong").want(t, 400, "")
	b.get("http://middle/").want(t, 400, "")
}

// upgrade sends a request for an upgrade through the ingress, and returns the head of the response.
func (b *bench) upgrade() *http.Response {
	b.t.Helper()
	c, err := net.Dial("tcp", b.ingress.Listener.Addr().String())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: middle\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return res
}

func TestUpgradeThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	up := script(t, func(string) string { return "HTTP/1.1 101 Switching Protocols\r\n\r\n" })
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up))
	b.get("http://middle/").want(t, 502, garbage.text(false))
}

func TestUpgradesEndWithTheProxy(t *testing.T) {
	t.Parallel()
	p := New(Options{})
	s := serveOn(p.Gateway(mesh.IngressGateway(), 80))
	p.Swap(toRoute(routeTo(service("middle"))))
	p.SetPods([]mesh.Pod{podOf("middle", "middle-1", webSocket(t))})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: middle\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-Websocket-Key: key\r\n\r\n")
	r := bufio.NewReader(c)
	for line := ""; !strings.HasPrefix(line, "welcome"); {
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	p.Close()
	if _, err := r.ReadString('\n'); err == nil {
		t.Error("the connection is still open after the proxy was closed")
	}
	s.Close()
}

// TestHeadOfUpgrade: the route changes the head of a 101 response as it changes any other, as Envoy does.
func TestHeadOfUpgrade(t *testing.T) {
	t.Parallel()
	up := script(t, func(string) string {
		return "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Gone: up\r\nX-Set: up\r\nServer: up\r\nX-Envoy-Decorator-Operation: up\r\n\r\n"
	})
	heads := map[string]map[string]string{}
	for name, ops := range map[string]mesh.HeaderOps{
		"changed": {ResponseRemove: []string{"x-gone"}, ResponseSet: []mesh.Header{{Name: "x-set", Value: "rule"}}, ResponseAdd: []mesh.Header{{Name: "x-add", Value: "rule"}}},
		"removed": {ResponseRemove: []string{"upgrade"}},
	} {
		route := routeTo(service("middle"))
		route.Headers = ops
		b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up))
		res := b.upgrade()
		if res.StatusCode != 101 {
			t.Fatalf("%s: status %d, want 101", name, res.StatusCode)
		}
		heads[name] = map[string]string{}
		for _, header := range []string{"Connection", "Upgrade", "X-Gone", "X-Set", "X-Add", "Server", "X-Envoy-Decorator-Operation"} {
			heads[name][header] = strings.Join(res.Header[header], ",")
		}
		if res.Header.Get("Date") == "" || res.Header.Get("X-Envoy-Upstream-Service-Time") != "" {
			t.Errorf("%s: want Date, and no time since the end of the request, which has none; got %v", name, res.Header)
		}
	}
	want := map[string]map[string]string{
		"changed": {"Connection": "Upgrade", "Upgrade": "websocket", "X-Gone": "", "X-Set": "rule", "X-Add": "rule", "Server": "hopline", "X-Envoy-Decorator-Operation": ""},
		"removed": {"Connection": "", "Upgrade": "", "X-Gone": "up", "X-Set": "up", "X-Add": "", "Server": "hopline", "X-Envoy-Decorator-Operation": ""},
	}
	if diff := cmp.Diff(want, heads); diff != "" {
		t.Errorf("heads (-want +got):\n%s", diff)
	}
}
