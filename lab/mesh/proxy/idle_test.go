package proxy

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSlowBody has callers whose bodies stop arriving: they get 408, or the end of a response that has begun, and the proxy keeps nothing
// of them.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path, headers string
		status              int
		text                string
		broken              bool
	}{
		{"before the response", "/wait", "", 408, "stream timeout", false},
		{"an upgrade", "/wait", "Connection: Upgrade\r\nUpgrade: websocket\r\n", 408, "stream timeout", false},
		{"in the middle of the response", "/slow", "", 200, "half", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			up := newStrict(t)
			b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address))
			b.proxy.bodyIdle = 50 * time.Millisecond
			address := b.ingress.Listener.Addr().String()
			conn := raw(t, address, "POST "+c.path+" HTTP/1.1\r\nHost: middle\r\n"+c.headers+"Content-Length: 100\r\n\r\nhe")
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != c.status || string(text) != c.text || (err != nil) != c.broken {
				t.Errorf("%d %q, %v, want %d %q, broken %t", res.StatusCode, text, err, c.status, c.text, c.broken)
			}
			if _, err := conn.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
				t.Errorf("the connection stays open: %v", err)
			}
			victims(t, address, "after")
			up.check(t)
		})
	}
}

// TestSteadyBody sends a body in small pieces for longer than it may pause: the limit is on the pauses only. The same holds for a long
// response.
func TestSteadyBody(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address()))
	b.proxy.bodyIdle = 300 * time.Millisecond
	r, w := io.Pipe()
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for range 30 { // 600 ms
			<-tick.C
			io.WriteString(w, "x")
		}
		w.Close()
	}()
	b.do("POST", "http://middle/", r).want(t, 200, "middle / "+strings.Repeat("x", 30))
}

// TestUnwantedBody checks that the server does not wait for a body that never arrives after the proxy has responded.
func TestUnwantedBody(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{}, noRules{})
	for entry, s := range map[string]string{"ingress": b.ingress.Listener.Addr().String(), "sidecar": b.sidecar.Listener.Addr().String()} {
		conn := raw(t, s, "POST http://middle/ HTTP/1.1\r\nHost: middle\r\nContent-Length: 100\r\n\r\nhe")
		if text, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 4") {
			t.Errorf("%s: %q, %v", entry, text, err)
		}
	}
}
