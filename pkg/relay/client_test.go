package relay

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNeverRepeated: net/http repeats a GET when a reused connection breaks. Here the upstream gets each request once, and the caller gets
// the error.
func TestNeverRepeated(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			address := rawUpstream(t, func(conn net.Conn) { // responds to the first request of a connection, and closes it at the second
				defer conn.Close()
				in := bufio.NewReader(conn)
				for n := range 2 {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					requests.Add(1)
					r.Body.Close()
					if n == 0 {
						_, _ = conn.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
					}
				}
			})
			client := newRig(t, Options{}).client
			send := func() error {
				r, err := http.NewRequest(method, address, nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := client.Do(r, "test")
				if err == nil {
					resp.Body.Close()
				}
				return err
			}
			if err := send(); err != nil {
				t.Fatal(err)
			}
			err := send()
			var failed *Error
			if !errors.As(err, &failed) || failed.Code() != http.StatusBadGateway {
				t.Errorf("error %v, wanted a 502", err)
			}
			if got := requests.Load(); got != 2 {
				t.Errorf("the upstream saw %d requests, wanted 2", got)
			}
		})
	}
}

// TestConnectionsKept: calls in sequence use one connection, because each response is read to its end.
func TestConnectionsKept(t *testing.T) {
	t.Parallel()
	peers := map[string]bool{}
	address := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		peers[r.RemoteAddr] = true
		w.Header().Set("Content-Length", "2")
		_, _ = w.Write([]byte("ok"))
	})
	u := newRig(t, Options{}).to(t, address)
	for range 20 {
		if w := ask(u.Pass, "GET", "/"); w.Code != 200 {
			t.Fatal(w.Code, w.Body)
		}
	}
	if len(peers) != 1 {
		t.Errorf("%d connections for 20 calls, wanted 1", len(peers))
	}
}

// TestProxy: the proxy of the given environment gets the calls, in upper and lower case, except for the hosts of NO_PROXY.
func TestProxy(t *testing.T) {
	t.Parallel()
	proxy := upstream(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("proxied " + r.URL.String())) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} {
		u := newRig(t, Options{Env: []string{name + "=" + proxy}}).to(t, "http://middle")
		if w := ask(u.Pass, "GET", "/hops?x=1"); w.Body.String() != "proxied http://middle/hops?x=1" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	direct := newRig(t, Options{Env: []string{"HTTP_PROXY=" + proxy, "NO_PROXY=nowhere.invalid"}}).to(t, "http://nowhere.invalid")
	if w := ask(direct.Pass, "GET", "/"); w.Code != http.StatusBadGateway {
		t.Errorf("a host of NO_PROXY: %d %s", w.Code, w.Body)
	}
}

// TestGuard: the guard is called for each connection with the name and the address that it resolved to, but not for the proxy.
func TestGuard(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused by the guard")
	var asked []string
	guard := func(host, address string) error {
		asked = append(asked, host+" "+address)
		return refused
	}
	address := upstream(t, func(http.ResponseWriter, *http.Request) {})
	port := address[strings.LastIndexByte(address, ':'):]
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = newRig(t, Options{}).client.With(Options{Guard: guard}).Do(r, "x"); !errors.Is(err, refused) {
		t.Errorf("error %v, wanted the guard's", err)
	}
	if d := cmp.Diff([]string{"127.0.0.1 127.0.0.1" + port}, asked); d != "" {
		t.Errorf("calls of the guard (-want +got):\n%s", d)
	}
	proxied := newRig(t, Options{Env: []string{"HTTP_PROXY=" + address}, Guard: guard}).to(t, "http://any.example")
	if w := ask(proxied.Pass, "GET", "/"); w.Code != 200 || len(asked) != 1 {
		t.Errorf("through the proxy: %d %s; the guard was called with %v", w.Code, w.Body, asked)
	}
}
