package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/fault"
)

// sendRaw sends bytes unchanged and returns the response's status, or the error.
func sendRaw(t *testing.T, address, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(c, request) }() // the server may respond and close before it has read everything
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err.Error()
	}
	resp.Body.Close()
	return resp.Status
}

// TestLimits: a request that is too long, has too many headers or is not HTTP gets the right status code, and the next request succeeds.
func TestLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/hello", Hello)
	r.Post("/read", func(w http.ResponseWriter, req *http.Request) {
		n, err := io.Copy(io.Discard, req.Body)
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			answer.Text(w, http.StatusRequestEntityTooLarge, err.Error())
			return
		}
		answer.Text(w, http.StatusOK, fmt.Sprint(n))
	})
	s := r.serve(t)
	chunks := func(n int) string {
		return "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+strings.Repeat("b", 1<<16)+"\r\n", n) + "0\r\n\r\n"
	}
	many := &strings.Builder{}
	for i := range 10000 {
		fmt.Fprintf(many, "a%d:\r\n", i%10)
	}
	for name, c := range map[string]struct{ request, want string }{
		"hello":                  {"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK"},
		"10,000 headers":         {"GET /hello HTTP/1.1\r\nHost: x\r\n" + many.String() + "\r\n", "200 OK"},
		"headers of 63 KiB":      {"GET /hello HTTP/1.1\r\nHost: x\r\nLong: " + strings.Repeat("x", 63<<10) + "\r\n\r\n", "200 OK"},
		"headers of 65 KiB":      {"GET /hello HTTP/1.1\r\nHost: x\r\nLong: " + strings.Repeat("x", 65<<10) + "\r\n\r\n", "431 Request Header Fields Too Large"},
		"path of 65 KiB":         {"GET /" + strings.Repeat("x", 65<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", "431 Request Header Fields Too Large"},
		"control character":      {"GET /hello HTTP/1.1\r\nHost: x\r\nX-Dev-User: a\x01b\r\n\r\n", "400 Bad Request"},
		"null in a name":         {"GET /hello HTTP/1.1\r\nHost: x\r\nX-\x00: a\r\n\r\n", "400 Bad Request"},
		"vertical tab":           {"GET /hello HTTP/1.1\r\nHost: x\r\nX-Dev-User: a\x0bb\r\n\r\n", "400 Bad Request"},
		"no HTTP":                {"\x16\x03\x01 hello\r\n\r\n", "400 Bad Request"},
		"no host":                {"GET /hello HTTP/1.1\r\n\r\n", "400 Bad Request"},
		"body of 1 MiB":          {"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("b", 1<<20), "200 OK"},
		"body of 1 MiB and 1":    {"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n" + strings.Repeat("b", 1<<20+1), "413 Request Entity Too Large"},
		"body of 1 MiB, chunked": {chunks(16), "200 OK"},
		"body of 2 MiB, chunked": {chunks(32), "413 Request Entity Too Large"},
		"huge length, no body":   {"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000000000000\r\n\r\n", "413 Request Entity Too Large"},
		"broken chunk":           {"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "200 OK"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sendRaw(t, s.URL, c.request); !strings.HasPrefix(got, c.want) {
				t.Errorf("%q, wanted %q", got, c.want)
			}
			if got := sendRaw(t, s.URL, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"); got != "200 OK" {
				t.Errorf("afterwards %q", got)
			}
		})
	}
}

// TestServerLimits checks a listener's timeouts for its clients.
func TestServerLimits(t *testing.T) {
	t.Parallel()
	s := newRig(t, "IDLE_TIMEOUT=65m").newServer(context.Background(), http.NotFoundHandler())
	if s.ReadHeaderTimeout != 5*time.Second || s.IdleTimeout != 65*time.Minute {
		t.Errorf("header %v, idle %v; wanted 5s and 65m", s.ReadHeaderTimeout, s.IdleTimeout)
	}
}

// TestSlowBody: an incomplete body ends its request, on the application's port and on the admin port.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	if BodyTimeout < 2*fault.MaxLatency {
		t.Errorf("a body has %v, and an injected latency of %v may pass before it is read", BodyTimeout, fault.MaxLatency)
	}
	r := newRig(t, "LATENCY=100ms")
	r.bodyTimeout = 400 * time.Millisecond
	r.Get("/hello", Hello)
	r.Put("/faults", func(w http.ResponseWriter, req *http.Request) {
		_, err := io.Copy(io.Discard, req.Body)
		answer.Text(w, http.StatusBadRequest, fmt.Sprint(err))
	})
	admin := httptest.NewServer(r.admin())
	defer admin.Close()
	for name, address := range map[string]string{"application": r.serve(t).URL, "admin": admin.URL} {
		for body, want := range map[string]string{`{"error_rate":0}`: "", `{"error_rate"`: "400 Bad Request"} {
			request := "PUT /faults HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n" + body
			began := time.Now()
			if got := sendRaw(t, address, request); want != "" && got != want || strings.Contains(got, "timeout") {
				t.Errorf("%s, %s: %q", name, body, got)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s, %s: took %v", name, body, took)
			}
		}
	}
}

// TestIdle: a connection without requests is closed after IDLE_TIMEOUT.
func TestIdle(t *testing.T) {
	t.Parallel()
	r := newRig(t, "IDLE_TIMEOUT=1s")
	s := r.serve(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(rest), "HTTP/1.1 404") {
		t.Errorf("%q, %v; wanted a response and then the end", rest, err)
	}
}

// TestVanishing: clients that disconnect in each phase of a request leave nothing behind; goleak checks the rest.
func TestVanishing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/endless", func(w http.ResponseWriter, req *http.Request) {
		for req.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	})
	r.Post("/read", func(_ http.ResponseWriter, req *http.Request) { _, _ = io.Copy(io.Discard, req.Body) })
	s := r.serve(t)
	for _, part := range []string{
		"", "GET /endl", "GET /endless HTTP/1.1\r\nHos", "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", "POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
	} {
		for range 20 {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, part); err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
	}
	s.Close() // waits for all of them
	if !strings.Contains(r.scrape(), "http_server_requests_in_flight 0.0\n") {
		t.Error("requests are still in flight")
	}
}

// TestAllow: a 405 lists the path's methods, also for methods that no router knows.
func TestAllow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/a", Hello)
	r.Post("/a", Hello)
	r.Put("/b/{id}", Hello)
	for _, c := range []struct {
		method, path string
		code         int
		allow        string
	}{
		{"DELETE", "/a", 405, "GET, HEAD, POST"},
		{"BREW", "/a", 405, "GET, HEAD, POST"},
		{"GET", "/b/1", 405, "PUT"},
		{"HEAD", "/b/1", 405, "PUT"},
		{"HEAD", "/a", 200, ""},
		{"BREW", "/nowhere", 404, ""},
		{"GET", "/nowhere", 404, ""},
	} {
		if w := r.ask(c.method, c.path); w.Code != c.code || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d with Allow %q, wanted %d and %q", c.method, c.path, w.Code, w.Header().Get("Allow"), c.code, c.allow)
		}
	}
}
