package load

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/shipped"
)

// TestForwardedHeadersAreTheServices compares the headers that the rules of a later hop see with those that a real service forwards, since
// the lab does not import the services' code.
func TestForwardedHeadersAreTheServices(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case got <- r.Header.Clone():
		default:
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(upstream.Close)
	sent := http.Header{}
	sent.Set("Fail", "0")
	for _, name := range []string{"X-Request-Id", "X-Ot-Span-Context", "X-Dev-User", "X-Fault-Core", "X-Fault-Injected", "X-Faulty", "X-Other",
		"Cookie", "Authorization", "X-Forwarded-Host", "Referer", "Accept-Language"} {
		sent.Set(name, "given-"+strings.ToLower(name))
	}
	ask(t, startService(t, "middle", upstream.URL)+"/hops", sent)
	var arrived http.Header
	select {
	case arrived = <-got:
	default:
		t.Fatal("the service did not call its upstream")
	}
	for name := range sent {
		_, want := arrived[name]
		if _, forwards := forwarded(sent)[name]; forwards != want {
			t.Errorf("header %s: the service forwards it: %t, expected: %t", name, want, forwards)
		} else if diff := cmp.Diff(sent[name], arrived[name]); want && diff != "" {
			t.Errorf("header %s (-sent +arrived):\n%s", name, diff)
		}
	}
}

// ask sends a GET until a server accepts it.
func ask(t *testing.T, url string, header http.Header) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	for deadline := time.Now().Add(30 * time.Second); ; {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}

// startService builds and runs one of the services with an upstream, and returns its address.
func startService(t *testing.T, name, upstream string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := bundle.Build(t.Context(), root, dir, "services/"+name); err != nil {
		t.Fatalf("building %s: %v", name, err)
	}
	port, admin := freePort(t), freePort(t)
	run := exec.Command(filepath.Join(dir, name+bundle.Suffix()))
	run.Env = []string{"LISTEN_HOST=127.0.0.1", "PORT=" + port, "ADMIN_PORT=" + admin, "UPSTREAM_URL=" + upstream + "/", "LOG_LEVEL=error"}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
	})
	return "http://127.0.0.1:" + port
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// TestExpectationOfTheRunningLab checks that the expected shares are those of the overlay that the running lab has, unless another is
// named, and that the report names the overlay.
func TestExpectationOfTheRunningLab(t *testing.T) {
	t.Parallel()
	overlays := filepath.Join(shipped.Deploy(t), "overlays")
	lab := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(current.Lab{Overlay: filepath.Join(overlays, "prod")})
	}))
	port := strconv.Itoa(lab.Listener.Addr().(*net.TCPAddr).Port)
	target := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "rules of the lab at http://localhost:" + port + ": overlay " + filepath.Join(overlays, "prod")},
		{[]string{"--overlay=" + filepath.Join(overlays, "canary")}, "rules of overlay " + filepath.Join(overlays, "canary") + "; the lab at http://localhost:" + port + " runs " + filepath.Join(overlays, "prod")},
	} {
		r, err := run(t.Context(), t, append([]string{target.URL, "--rate=100", "--requests=3", "--console-port=" + port}, test.args...)...)
		if err != nil {
			t.Fatal(err)
		}
		if r.Rules != test.want {
			t.Errorf("%v: the report names the rules %q, want %q", test.args, r.Rules, test.want)
		}
	}
}
