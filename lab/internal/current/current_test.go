package current

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/hopline/hopline/lab/internal/bundle"
)

// serve starts a lab that runs an overlay, and returns its port.
func serve(t *testing.T, overlay string) int {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pods", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(Lab{Overlay: overlay}) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// nobody returns a port without a listener.
func nobody(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func TestChoose(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs("overlays/dev")
	if err != nil {
		t.Fatal(err)
	}
	defaultOverlay, err := bundle.Find("")
	if err != nil {
		t.Fatal(err)
	}
	port := serve(t, here)
	lab := "the lab at http://localhost:" + strconv.Itoa(port)
	for name, c := range map[string]struct {
		named    string
		port     int
		dir, why string
		runs     bool
	}{
		"no lab":           {"", nobody(t), defaultOverlay, "no lab runs: overlay " + defaultOverlay, false},
		"no lab, named":    {"overlays/prod", nobody(t), "overlays/prod", "no lab runs: overlay overlays/prod", false},
		"another program":  {"", serve(t, ""), defaultOverlay, "no lab runs: overlay " + defaultOverlay, false},
		"the lab's":        {"", port, "overlays/dev", "rules of " + lab + ": overlay overlays/dev", true},
		"the lab's, named": {"overlays/dev", port, "overlays/dev", "rules of overlay overlays/dev, which " + lab + " runs", true},
		"another":          {"overlays/prod", port, "overlays/prod", "rules of overlay overlays/prod; " + lab + " runs overlays/dev", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Choose(t.Context(), c.named, c.port)
			if err != nil {
				t.Fatal(err)
			}
			if got.Dir != c.dir || got.Why != c.why || (got.Lab != nil) != c.runs {
				t.Errorf("got %+v, want %s, %q and a lab: %t", got, c.dir, c.why, c.runs)
			}
		})
	}
}
