package relay

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/pkg/body"
)

// TestPass: method, path, query and body arrive as they were sent, and so do the response's status, headers and body.
func TestPass(t *testing.T) {
	t.Parallel()
	address := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/test")
		w.Header().Set("Retry-After", "3")
		w.Header().Set("Set-Cookie", "not passed on")
		w.Header().Set("X-Served-By", "not passed on")
		w.Header().Add("X-Fault-Injected", "core error")
		w.Header().Set("Server-Timing", "core;dur=1")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s %d", r.Method, r.RequestURI, body, r.Header.Get("Content-Type"), r.ContentLength)
	})
	for base, path := range map[string]string{"": "/a%2Fb/c", "/base/": "/base/a%2Fb/c"} {
		u := newRig(t, Options{}).to(t, address+base)
		r := httptest.NewRequest(http.MethodPut, "/a%2Fb/c?x=1&y=%20", strings.NewReader("the body"))
		r.Header.Set("Content-Type", "text/sent")
		w := httptest.NewRecorder()
		w.Header().Set("X-Fault-Injected", "middle latency")
		u.Pass(w, r)
		want := http.Header{
			"Content-Type": {"text/test"}, "Retry-After": {"3"}, "Content-Length": {w.Header().Get("Content-Length")},
			"X-Fault-Injected": {"middle latency", "core error"}, "Server-Timing": {"core;dur=1"},
		}
		if d := cmp.Diff(want, w.Header()); d != "" || w.Code != http.StatusTeapot {
			t.Errorf("%d, headers (-want +got):\n%s", w.Code, d)
		}
		if want := "PUT " + path + "?x=1&y=%20 the body text/sent 8"; w.Body.String() != want {
			t.Errorf("the upstream saw %q, wanted %q", w.Body, want)
		}
	}
}

// TestStreams: what the upstream has sent is passed on before it sends more.
func TestStreams(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	u := newRig(t, Options{}).to(t, upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "first")
		w.(http.Flusher).Flush()
		<-more
		fmt.Fprint(w, "second")
	}))
	front := httptest.NewServer(http.HandlerFunc(u.Pass))
	defer front.Close()
	resp, err := front.Client().Get(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first" {
		t.Fatalf("%q, %v", first, err)
	}
	close(more)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(rest) != "second" {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestTrouble: each kind of upstream failure has its status and a line that names hop, upstream and reason.
func TestTrouble(t *testing.T) {
	t.Parallel()
	raw := func(answer string) func(*testing.T) string {
		return func(t *testing.T) string {
			return rawUpstream(t, func(conn net.Conn) {
				defer conn.Close()
				_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = conn.Write([]byte(answer))
			})
		}
	}
	for name, c := range map[string]struct {
		upstream func(*testing.T) string
		code     int
		reason   string
	}{
		"refuses":        {func(t *testing.T) string { return closedPort(t) }, 502, "connection refused"},
		"unknown host":   {func(*testing.T) string { return "http://nowhere.invalid" }, 502, "nowhere.invalid"},
		"hangs up":       {raw(""), 502, "EOF"},
		"sends garbage":  {raw("\x00\x01 what?\r\n\r\n"), 502, "malformed HTTP"},
		"half a header":  {raw("HTTP/1.1 200 OK\r\nContent-"), 502, "malformed MIME header"},
		"endless header": {raw("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 100<<10)), 502, "exceeded"},
		"never responds": {func(t *testing.T) string {
			release := make(chan struct{})
			address := upstream(t, func(http.ResponseWriter, *http.Request) { <-release })
			t.Cleanup(func() { close(release) })
			return address
		}, 504, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := c.upstream(t)
			rig := newRig(t, Options{Timeout: map[int]time.Duration{504: 300 * time.Millisecond}[c.code]}) // a 502 needs no short timeout
			u := rig.to(t, address)
			for path, handler := range map[string]http.HandlerFunc{"/x": u.Pass, "/hops": u.Hops} {
				w := ask(handler, "GET", path)
				lines := strings.Split(strings.TrimSuffix(w.Body.String(), "\n"), "\n")
				last := lines[len(lines)-1]
				if w.Code != c.code || !strings.HasPrefix(last, "middle-v1: "+address+path+": ") || !strings.Contains(last, c.reason) {
					t.Errorf("%s: %d %q, wanted %d and %q", path, w.Code, last, c.code, c.reason)
				}
			}
			for _, span := range rig.spans.Ended() {
				if span.Status().Code.String() != "Error" {
					t.Errorf("the span's status is %v", span.Status())
				}
			}
		})
	}
}

// closedPort returns an address on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

// TestBrokenOff: if an upstream closes the connection in the middle of its response, the caller gets an aborted response, not a part that
// looks complete.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"of known length": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
		"in chunks":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newRig(t, Options{}).to(t, rawUpstream(t, func(conn net.Conn) {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = conn.Write([]byte(answer))
			}))
			front := httptest.NewServer(http.HandlerFunc(u.Pass))
			defer front.Close()
			resp, err := front.Client().Get(front.URL)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if err == nil {
				t.Error("the response looked complete")
			}
		})
	}
}

// TestTooLong: a body of the caller that is over the limit is reported as the caller's error.
func TestTooLong(t *testing.T) {
	t.Parallel()
	u := newRig(t, Options{}).to(t, upstream(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	r := httptest.NewRequest(http.MethodPost, "/", io.LimitReader(endless{}, 1<<20))
	r.ContentLength = -1
	w := httptest.NewRecorder()
	r.Body = http.MaxBytesReader(w, r.Body, 1000)
	u.Pass(w, r)
	if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "1000 bytes") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestPassUpTiming: a timing that is too long is dropped.
func TestPassUpTiming(t *testing.T) {
	t.Parallel()
	to := http.Header{}
	PassUp(to, http.Header{"Server-Timing": {"a", "b"}})
	PassUp(to, http.Header{"Server-Timing": {strings.Repeat("x", 2049)}})
	if d := cmp.Diff(http.Header{"Server-Timing": {"a, b"}}, to); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestSlowBody: a caller whose own body is too slow gets 408, not an error of the upstream.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	u := newRig(t, Options{}).to(t, upstream(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	front := httptest.NewServer(body.Limit(200*time.Millisecond, http.HandlerFunc(u.Pass)))
	defer front.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(front.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusRequestTimeout || string(text) != "the body did not arrive within 200ms\n" {
		t.Errorf("%d %q", resp.StatusCode, text)
	}
}
