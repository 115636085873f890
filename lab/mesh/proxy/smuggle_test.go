package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/await"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
)

// raw sends bytes to a server as they are, and returns the connection.
func raw(t testing.TB, address, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c
}

// victims sends requests of other callers after a hostile one. Each of their bodies contains a request at every offset that a wrong length
// could result in. Each must receive its own response.
func victims(t testing.TB, address, name string) {
	t.Helper()
	c := raw(t, address, "")
	r := bufio.NewReader(c)
	for i := range 2 {
		path := fmt.Sprintf("/victim/%s/%d", name, i)
		body := strings.Repeat("DELETE /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", 40)
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: middle\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("victim %d: %v", i, err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || string(text) != path {
			t.Fatalf("victim %d: %d %q, %v", i, res.StatusCode, text, err)
		}
	}
}

// TestNothingIsSmuggled ends a request with a body in every possible way. An upstream connection whose request was not written whole must
// not be reused: the upstream would start to read the following requests in their middle.
func TestNothingIsSmuggled(t *testing.T) {
	t.Parallel()
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	for _, c := range []struct {
		name, path, headers, body string
		announced                 int // the announced length of the request; 0: chunked
		want                      int // the response's status; 0: no response, and the caller leaves
		text                      string
	}{
		{"response before the body", "/early", "", "", 500, 200, "/early"},
		{"response in the middle of the body", "/early", "", "he", 500, 200, "/early"},
		{"response before the chunks", "/early", "", "", 0, 200, "/early"},
		{"whole body", "/wait", "", "hello", 5, 200, "hello"},
		{"whole chunks", "/wait", "", "5\r\nhello\r\n0\r\n\r\n", 0, 200, "hello"},
		{"interim responses", "/inform", "", "he", 500, 103, ""},
		{"upgrade with a body", "/early", upgrade, "", 469, 200, "/early"},
		{"upgrade with half a body", "/early", upgrade, "he", 469, 200, "/early"},
		{"upgrade with a whole body", "/wait", upgrade, "hello", 5, 200, "hello"},
		{"upgrade with chunks", "/wait", upgrade, "5\r\nhello\r\n0\r\n\r\n", 0, 200, "hello"},
		{"upgrade refused", "/refuse", upgrade, "", 469, 503, "/refuse"},
		{"upgrade refused, whole body", "/refuse", upgrade, "hello", 5, 503, "/refuse"},
		{"upgrade accepted", "/switch", upgrade, "hello", 5, 101, "after hello, "},
		{"upgrade accepted, chunks", "/switch", upgrade, "5\r\nhello\r\n0\r\n\r\n", 0, 101, "after hello, "},
		{"upgrade accepted before the body", "/switch", upgrade, "he", 469, 0, ""},
		{"protocol that was not requested", "/switch", "", "he", 469, 502, garbage.text(false)},
		{"retry before the body", "/retry", "", "", 500, 200, "/retry"},
		{"retry of a whole body", "/retry", "", "hello", 5, 200, "/retry"},
		{"retry of an upgrade", "/retry", upgrade, "", 469, 200, "/retry"},
		{"retry of an upgrade with a whole body", "/retry", upgrade, "hello", 5, 200, "/retry"},
		{"last try fails", "/refuse", "", "he", 500, 503, "/refuse"},
		{"per-try timeout", "/hang", "", "hello", 5, 504, "upstream request timeout"},
		{"per-try timeout of an upgrade", "/hang", upgrade, "hello", 5, 504, "upstream request timeout"},
		{"upstream gone", "/hangup", "", "he", 500, 503, ""},
		{"response breaks off", "/broken", "", "he", 500, 200, ""},
		{"caller gone before the response", "/hang", "", "he", 500, 0, ""},
		{"caller gone, upgrade", "/hang", upgrade, "he", 500, 0, ""},
		{"caller gone in the middle of a chunk", "/hang", "", "5\r\nhe", 0, 0, ""},
		{"body is no chunk", "/hang", "", "x\r\nhello\r\n", 0, 0, ""},
		{"Expect and no body", "/early", "Expect: 100-continue\r\n", "", 500, 200, "/early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			up := newStrict(t)
			route := routeTo(service("middle"))
			route.Retries = mesh.Retries{Attempts: 1, On: istio.RetryOn5xx, PerTry: 5 * time.Second}
			if strings.Contains(c.name, "timeout") {
				route.Retries = mesh.Retries{Attempts: 1, On: istio.RetryOn5xx, PerTry: 20 * time.Millisecond}
			}
			route.Mirrors = []mesh.Mirror{{Cluster: service("middle")}}
			rules := toRoute(route)
			decide := rules.decide
			rules.decide = func(r *mesh.Request, s *mesh.Source) mesh.Decision {
				d := decide(r, s)
				if !strings.HasPrefix(r.Path, "/victim") && len(c.body) > 2 {
					d.Mirror = 1
				}
				return d
			}
			b := newBench(t, Options{}, rules, podOf("middle", "middle-1", up.address))
			address := b.ingress.Listener.Addr().String()
			victims(t, address, "before") // leaves a connection that can be reused
			framing := fmt.Sprintf("Content-Length: %d\r\n", c.announced)
			if c.announced == 0 {
				framing = "Transfer-Encoding: chunked\r\n"
			}
			conn := raw(t, address, "POST "+c.path+" HTTP/1.1\r\nHost: middle\r\n"+c.headers+framing+"\r\n"+c.body)
			if c.want == 0 {
				await.That(t, "the request at the upstream", func() bool { return up.saw("POST "+c.path) > 0 })
				conn.Close()
			} else {
				wantRaw(t, conn, c.want, c.text)
			}
			for i := range 4 {
				victims(t, address, fmt.Sprint(i))
			}
			up.check(t)
		})
	}
}

// wantRaw reads one response. If another protocol follows, it checks only the beginning.
func wantRaw(t *testing.T, c net.Conn, status int, text string) {
	t.Helper()
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != status {
		t.Fatalf("status %d, want %d", res.StatusCode, status)
	}
	from := io.Reader(res.Body)
	if status == http.StatusSwitchingProtocols {
		from = io.LimitReader(r, int64(len(text)))
	}
	if text == "" {
		return
	}
	got, err := io.ReadAll(from)
	if err != nil || string(got) != text {
		t.Errorf("response %q, %v, want %q", got, err, text)
	}
}

// TestUpgradeSmuggling repeats a smuggling attack: the upstream responds to an upgrade after its head, and the announced length covers the
// head and the beginning of the body of the next request.
func TestUpgradeSmuggling(t *testing.T) {
	t.Parallel()
	up := newStrict(t)
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address))
	address := b.ingress.Listener.Addr().String()
	for swallow := 200; swallow < 700; swallow += 20 {
		c := raw(t, address, fmt.Sprintf("POST /one HTTP/1.1\r\nHost: middle\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: %d\r\n\r\n", swallow))
		wantRaw(t, c, 200, "/one")
		victims(t, address, fmt.Sprint(swallow))
	}
	up.check(t)
	if n := up.saw("DELETE"); n > 0 {
		t.Errorf("%d requests smuggled", n)
	}
}

// TestUpgradeBeforeTheServices sends an upgrade with a body to a server that reads the body before it responds, as net/http does.
func TestUpgradeBeforeTheServices(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", b.ingress.URL+"/x", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != 200 || string(text) != "middle /x hello" {
		t.Errorf("%d %q", res.StatusCode, text)
	}
}
