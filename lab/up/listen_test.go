package up

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/internal/usage"
)

func TestOpenOpensAllOrNone(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	listeners, err := open("127.0.0.1", []listenPort{{what: "the first"}, {what: "the second", port: port, remedy: "--second-port sets another one", console: true}, {what: "the third", port: port, remedy: "--third-port sets another one"}})
	if err == nil || listeners != nil {
		t.Fatalf("opened %v, error %v", listeners, err)
	}
	for _, want := range []string{"for the second: already in use by another program; --second-port sets another one", "--third-port"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %q", err, want)
		}
	}
	if _, err := open("192.0.2.1", []listenPort{{what: "the console", remedy: "--console-port sets another one"}}); err == nil || !strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("an address of another machine: %v", err)
	}
	if listeners, err = open("127.0.0.1", []listenPort{{what: "one"}, {what: "two"}}); err != nil || len(listeners) != 2 {
		t.Fatalf("opened %v, error %v", listeners, err)
	}
	for _, l := range listeners {
		_ = l.Close()
	}
}

// TestAnotherLabIsNamed checks that a second lab names the first one by its overlay.
func TestAnotherLabIsNamed(t *testing.T) {
	t.Parallel()
	overlay, err := filepath.Abs("overlays/dev")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /pods", pods(func() current.Lab { return current.Lab{Overlay: overlay} }))
	server := httptest.NewServer(mux)
	defer server.Close()
	port := server.Listener.Addr().(*net.TCPAddr).Port
	_, err = open("127.0.0.1", []listenPort{
		{what: "the console", port: port, remedy: "--console-port sets another one", console: true}, {what: "OTLP", port: port, remedy: "--otlp-port sets another one"}})
	want := fmt.Sprintf("port %[1]d on 127.0.0.1, for the console: a lab runs already, with overlay %[2]s: http://localhost:%[1]d/; --console-port sets another one\n"+
		"port %[1]d on 127.0.0.1, for OTLP: already in use by another program; --otlp-port sets another one", port, filepath.Join("overlays", "dev"))
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAHostThatIsNotThisMachineIsNamedOnce(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"192.0.2.1", "no such host"} {
		err := Run(t.Context(), t.Context(), Options{Host: host, Screen: tty.Screen{Out: tty.New(io.Discard)}})
		if !usage.Is(err) || !strings.HasPrefix(err.Error(), "--listen "+host+": want an address of this machine: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestLocalURLIsWhatABrowserOnThisMachineCanUse(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{"127.0.0.1": "http://localhost:", "0.0.0.0": "http://localhost:", "::": "http://localhost:"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Logf("%s: %v", host, err) // a machine without IPv6
			continue
		}
		if got := localURL(host, l); !strings.HasPrefix(got, want) {
			t.Errorf("listening on %s: %s, want %s…", host, got, want)
		}
		_ = l.Close()
	}
}
