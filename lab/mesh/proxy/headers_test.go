package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// seenBy sends one request by way of send and returns what the upstream saw of it.
func seenBy(t *testing.T, route *mesh.Route, send func(*bench)) *http.Request {
	t.Helper()
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up.address()))
	send(b)
	r, n := up.seen()
	if n != 1 {
		t.Fatalf("the upstream saw %d requests, want 1", n)
	}
	return r
}

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// want compares headers; "" wants none and "*" wants any.
func wantHeaders(t *testing.T, h http.Header, want map[string]string) {
	t.Helper()
	for k, v := range want {
		got := strings.Join(h.Values(k), ",")
		if v == "*" && got != "" {
			continue
		}
		if got != v {
			t.Errorf("%s: %q, want %q", k, got, v)
		}
	}
}

func TestRequestFromSidecar(t *testing.T) {
	t.Parallel()
	r := seenBy(t, routeTo(service("middle")), func(b *bench) {
		b.get("http://middle/", "x-request-id: mine", "x-forwarded-for: 1.2.3.4", "x-forwarded-proto: https", "x-envoy-max-retries: 3",
			"x-envoy-upstream-rq-timeout-ms: 1", "x-envoy-attempt-count: 9", "x-envoy-original-path: /kept", "x-envoy-foo: kept",
			"x-envoy-internal: true", "x-forwarded-client-cert: By=me", "x-envoy-peer-metadata: me", "x-envoy-peer-metadata-id: me", "te: trailers, gzip", "keep-alive: 5", "connection: x-hop", "x-hop: 1", "x-dev-user: me", "x-dev-user: you")
	})
	wantHeaders(t, r.Header, map[string]string{"x-request-id": "mine", "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https",
		"x-envoy-max-retries": "", "x-envoy-upstream-rq-timeout-ms": "", "x-envoy-attempt-count": "1", "x-envoy-original-path": "/kept",
		"x-envoy-foo": "kept", "x-envoy-internal": "", "x-forwarded-client-cert": "", "x-envoy-peer-metadata": "", "x-envoy-peer-metadata-id": "", "te": "trailers", "keep-alive": "", "connection": "", "x-hop": "", "x-dev-user": "me,you",
		"proxy-authorization": "", "proxy-connection": "", "x-envoy-decorator-operation": "test.hopline.svc.cluster.local:80/*",
		"x-envoy-external-address": "", "x-envoy-expected-rq-timeout-ms": ""})
	if r.Host != "middle" || r.RequestURI != "/" {
		t.Errorf("requested %s of %s", r.RequestURI, r.Host)
	}
}

func TestRequestIDIsMade(t *testing.T) {
	t.Parallel()
	r := seenBy(t, routeTo(service("middle")), func(b *bench) { b.get("http://middle/") })
	if id := r.Header.Get("x-request-id"); !uuidPattern.MatchString(id) {
		t.Errorf("x-request-id %q is not a UUID", id)
	}
	wantHeaders(t, r.Header, map[string]string{"x-forwarded-proto": "http", "x-forwarded-for": ""})
}

func TestRequestFromOutside(t *testing.T) {
	t.Parallel()
	r := seenBy(t, routeTo(service("middle")), func(b *bench) {
		req, _ := http.NewRequest("GET", b.ingress.URL, nil)
		for _, h := range []string{"x-request-id: theirs", "x-forwarded-for: 1.2.3.4", "x-forwarded-proto: https", "x-envoy-original-path: /no",
			"x-envoy-decorator-operation: no", "x-envoy-external-address: 9.9.9.9", "x-envoy-retry-on: 5xx", "proxy-authorization: theirs",
			"x-forwarded-client-cert: By=spiffe://cluster.local/ns/hopline/sa/front", "x-envoy-peer-metadata: theirs", "x-envoy-peer-metadata-id: theirs"} {
			k, v, _ := strings.Cut(h, ": ")
			req.Header.Set(k, v)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	wantHeaders(t, r.Header, map[string]string{"x-forwarded-for": "1.2.3.4,127.0.0.1", "x-forwarded-proto": "http", "x-envoy-original-path": "",
		"x-envoy-decorator-operation": "test.hopline.svc.cluster.local:80/*", "x-envoy-external-address": "127.0.0.1", "x-envoy-retry-on": "",
		"proxy-authorization": "theirs", "x-forwarded-client-cert": "", "x-envoy-peer-metadata": "", "x-envoy-peer-metadata-id": ""})
	if id := r.Header.Get("x-request-id"); !uuidPattern.MatchString(id) {
		t.Errorf("x-request-id %q: want one of the gateway's own", id)
	}
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	route := routeTo(service("middle"))
	route.Timeout = time.Minute
	route.Rewrite = &mesh.Rewrite{Authority: "other.example", URI: func(p string) string { return "/new" + strings.TrimPrefix(p, "/old") }}
	route.Headers = mesh.HeaderOps{RequestRemove: []string{"x-gone"}, RequestSet: []mesh.Header{{Name: "x-set", Value: "route"}},
		RequestAdd: []mesh.Header{{Name: "x-add", Value: "route"}}}
	route.Destinations[0].Headers = mesh.HeaderOps{RequestSet: []mesh.Header{{Name: "x-set", Value: "destination"}},
		RequestAdd: []mesh.Header{{Name: "x-add", Value: "destination"}}}
	r := seenBy(t, route, func(b *bench) {
		b.get("http://middle/old/a?b=c", "x-gone: 1", "x-set: mine", "x-add: mine")
	})
	if r.Host != "other.example" || r.RequestURI != "/new/a?b=c" {
		t.Errorf("requested %s of %s", r.RequestURI, r.Host)
	}
	wantHeaders(t, r.Header, map[string]string{"x-gone": "", "x-set": "route", "x-add": "mine,destination,route", "x-envoy-original-path": "/old/a?b=c",
		"x-envoy-original-host": "middle", "x-envoy-expected-rq-timeout-ms": "60000"})
}

func TestRewrittenPathsAreClean(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/a": "/a", "/a b": "/a%20b", "/a\r\nx: y": "/a%0D%0Ax:%20y", "/\x7f": "/%7F", "/ü": "/ü"} {
		if got := clean(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestDestinationsAuthority(t *testing.T) {
	t.Parallel()
	route := routeTo(service("middle"))
	route.Destinations[0].Authority = "canary.example"
	r := seenBy(t, route, func(b *bench) { b.get("http://middle/") })
	if r.Host != "canary.example" {
		t.Errorf("the host is %s", r.Host)
	}
	wantHeaders(t, r.Header, map[string]string{"x-envoy-original-host": ""})
}

func TestAnswerHeaders(t *testing.T) {
	t.Parallel()
	up := script(t, func(string) string {
		return "HTTP/1.1 200 OK\r\nconnection: x-hop, keep-alive\r\nkeep-alive: timeout=5\r\nx-hop: 1\r\nserver: up\r\nx-envoy-foo: 1\r\n" +
			"x-envoy-decorator-operation: bar\r\nset-cookie: a\r\nset-cookie: b\r\nx-gone: 1\r\ncontent-length: 0\r\n\r\n"
	})
	route := routeTo(service("middle"))
	route.Headers = mesh.HeaderOps{ResponseRemove: []string{"x-gone"}, ResponseSet: []mesh.Header{{Name: "server", Value: "mine"}, {Name: "x-set", Value: "1"}},
		ResponseAdd: []mesh.Header{{Name: "x-hop", Value: "2"}}}
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up))
	a := b.get("http://middle/")
	wantHeaders(t, a.Header, map[string]string{"connection": "", "keep-alive": "", "x-hop": "1,2", "server": "hopline", "x-envoy-foo": "1",
		"x-envoy-decorator-operation": "", "set-cookie": "a,b", "x-gone": "", "x-set": "1", "x-envoy-upstream-service-time": "*", "date": "*",
		"content-type": ""})
}

// TestRefused sends, byte for byte, requests that Envoy's listener rejects.
func TestRefused(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address()))
	lines := func(n, size int) string {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, "x-%d: %s\r\n", i, strings.Repeat("a", size))
		}
		return s.String()
	}
	for _, c := range []struct {
		name, text string
		status     int
	}{
		{"as it should be", "GET / HTTP/1.1\r\nHost: middle\r\n\r\n", 200},
		{"99 headers and Host", "GET / HTTP/1.1\r\nHost: middle\r\n" + lines(99, 1) + "\r\n", 200},
		{"100 headers and Host", "GET / HTTP/1.1\r\nHost: middle\r\n" + lines(100, 1) + "\r\n", 431},
		{"10,000 headers", "GET / HTTP/1.1\r\nHost: middle\r\n" + lines(10_000, 1) + "\r\n", 431},
		{"a header of 100 KiB", "GET / HTTP/1.1\r\nHost: middle\r\n" + lines(1, 100<<10) + "\r\n", 431},
		{"control character", "GET / HTTP/1.1\r\nHost: middle\r\nx: a\x01b\r\n\r\n", 400},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"garbage", "GARBAGE\r\n\r\n", 400},
		{"HTTP/1.0", "GET / HTTP/1.0\r\nHost: middle\r\n\r\n", 426},
		{"unknown method", "FOO / HTTP/1.1\r\nHost: middle\r\n\r\n", 400},
		{"lower case", "get / HTTP/1.1\r\nHost: middle\r\n\r\n", 400},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: middle\r\n\r\n", 404},
		{"CONNECT", "CONNECT middle:80 HTTP/1.1\r\nHost: middle:80\r\n\r\n", 404},
		{"absolute form", "GET http://middle/ HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		{"above the root", "GET /%zz HTTP/1.1\r\nHost: middle\r\n\r\n", 400},
		{"another upgrade", "GET / HTTP/1.1\r\nHost: middle\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n", 403},
		{"h2c is ignored", "GET / HTTP/1.1\r\nHost: middle\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", b.ingress.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go io.WriteString(conn, c.text)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status {
				t.Errorf("status %d, want %d", res.StatusCode, c.status)
			}
			res.Body.Close()
		})
	}
}

// TestLengthOfNothing checks the length that Envoy sends upstream for a request without a body.
func TestLengthOfNothing(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address()))
	for method, want := range map[string]string{"GET": "", "HEAD": "", "DELETE": "", "TRACE": "", "POST": "0", "PUT": "0", "PATCH": "0", "OPTIONS": "0"} {
		c, err := net.Dial("tcp", b.ingress.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, method+" / HTTP/1.1\r\nHost: middle\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		c.Close()
		if r, _ := up.seen(); r.Method != method || r.Header.Get("content-length") != want {
			t.Errorf("%s: the upstream saw %s with length %q, want %q", method, r.Method, r.Header.Get("content-length"), want)
		}
	}
}

// TestHEAD checks that a response has no length where the upstream sends none.
func TestHEAD(t *testing.T) {
	t.Parallel()
	length := ""
	up := script(t, func(string) string { return "HTTP/1.1 200 OK\r\n" + length + "\r\n" })
	r := toRoute(routeTo(service("middle")))
	b := newBench(t, Options{}, r, podOf("middle", "middle-1", up))
	for _, length = range []string{"", "Content-Length: 17\r\n"} {
		a := b.do("HEAD", "http://middle/", nil)
		if got := a.Header.Get("content-length"); !strings.HasSuffix(strings.TrimSpace(length), got) || length != "" && got == "" {
			t.Errorf("the upstream's %q arrived as %q", length, got)
		}
	}
	b.setPods()
	if a := b.do("HEAD", "http://middle/", nil); a.Header.Get("content-length") != "19" {
		t.Errorf("no healthy upstream: content-length %q, want 19", a.Header.Get("content-length"))
	}
	b.proxy.Swap(decided(mesh.Decision{Outcome: mesh.NoRoute}))
	if a := b.do("HEAD", "http://middle/", nil); a.Header.Get("content-length") != "" {
		t.Errorf("no route: content-length %q, want none", a.Header.Get("content-length"))
	}
}
