package middle

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hopline/hopline/pkg/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// core starts a server in place of the next hop.
func core(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// TestRoutes checks middle's responses to core's.
func TestRoutes(t *testing.T) {
	t.Parallel()
	upstream := core(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hops":
			fmt.Fprintln(w, "took (1 ms) core")
		case "/slow-endpoint":
			w.WriteHeader(503)
			fmt.Fprint(w, "busy for "+r.Header.Get("X-Dev-User"))
		default:
			fmt.Fprint(w, r.Method+" "+r.URL.String())
		}
	})
	middle := servertest.Start(t, Run, "UPSTREAM_URL="+upstream, "SERVICE_VERSION=canary")
	for _, c := range []struct {
		method, path string
		code         int
		body         string // a regular expression
		allow        string
	}{
		{"GET", "/hello", 200, `{"hello":"world!"}\n`, ""},
		{"GET", "/hops", 200, `took \([0-9.]+ ms\) middle-canary --getRespondFrom--> ` + upstream + `/hops\ntook \(1 ms\) core\n`, ""},
		{"GET", "/slow-endpoint", 503, "busy for betaUser", ""},
		{"GET", "/fast-endpoint?a=b", 200, `GET /fast-endpoint\?a=b`, ""},
		{"POST", "/hops", 405, "405 .*\n", "GET, HEAD"},
		{"GET", "/", 404, "404 page not found\n", ""},
		{"GET", "/metrics", 404, "404 page not found\n", ""},
	} {
		resp, body := servertest.Ask(t, c.method, middle.URL+c.path, "", "X-Dev-User", "betaUser")
		if resp.StatusCode != c.code || !regexp.MustCompile("^"+c.body+"$").MatchString(body) || resp.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d %q with Allow %q, wanted %d %s", c.method, c.path, resp.StatusCode, body, resp.Header.Get("Allow"), c.code, c.body)
		}
		if by := resp.Header.Get("X-Served-By"); by != "middle-canary/test-host" {
			t.Errorf("%s: served by %q", c.path, by)
		}
	}
}

// TestStop: SIGTERM loses none of the requests on their way to core.
func TestStop(t *testing.T) {
	t.Parallel()
	servertest.Stop{
		Env: []string{"UPSTREAM_URL={upstream}"}, Method: "GET", Path: "/slow-endpoint", Upstream: "done", Want: "done",
	}.LosesNone(t, Run)
}

// TestDropCounts: with DROP_RATE=100 at the next hop each call fails and is made once.
func TestDropCounts(t *testing.T) {
	t.Parallel()
	dropping := servertest.Start(t, Run, "SERVICE_NAME=dropping", "UPSTREAM_URL=http://unused")
	middle := servertest.Start(t, Run, "UPSTREAM_URL="+dropping.URL)
	if resp, _ := servertest.Ask(t, "GET", middle.URL+"/hops", ""); resp.StatusCode != 502 {
		t.Fatalf("an unknown upstream: %d", resp.StatusCode)
	}
	if resp, body := servertest.Ask(t, "PUT", dropping.Admin+"/faults", `{"drop_rate":100}`); resp.StatusCode != 200 {
		t.Fatal(resp.StatusCode, body)
	}
	const calls = 20
	for range calls {
		if resp, _ := servertest.Ask(t, "GET", middle.URL+"/hops", ""); resp.StatusCode != 502 {
			t.Errorf("a dropped call: %d, wanted 502", resp.StatusCode)
		}
	}
	if _, metrics := servertest.Ask(t, "GET", dropping.Admin+"/metrics", ""); !strings.Contains(metrics, fmt.Sprintf("faults_injected_total{kind=\"drop\"} %d\n", calls)) {
		t.Errorf("wanted %d drops:\n%s", calls, metrics)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	servertest.Help(t, Run)
}

// TestBadSettings: all invalid settings are reported together.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	servertest.BadSettings(t, Run, "LATENCY=soon", "UPSTREAM_URL=https://core", "PORT=http", "ERROR_RATE=101", "SERVICE_NAME=a b")
}
