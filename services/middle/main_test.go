package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/hopline/hopline/pkg/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files")

// core stands in for the next hop.
func core(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// ask sends a request on a connection of its own.
func ask(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// TestRoutes: what middle answers, with what core said before it.
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
	middle := servertest.Start(t, run, "UPSTREAM_URL="+upstream, "SERVICE_VERSION=canary")
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
		resp, body := ask(t, c.method, middle.URL+c.path, "X-Dev-User", "betaUser")
		if resp.StatusCode != c.code || !regexp.MustCompile("^"+c.body+"$").MatchString(body) || resp.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d %q with Allow %q, wanted %d %s", c.method, c.path, resp.StatusCode, body, resp.Header.Get("Allow"), c.code, c.body)
		}
		if by := resp.Header.Get("X-Served-By"); by != "middle-canary/test-host" {
			t.Errorf("%s: served by %q", c.path, by)
		}
	}
}

// TestStop: SIGTERM with requests on their way to core loses none of them, and both spans of each arrive, in one trace.
func TestStop(t *testing.T) {
	t.Parallel()
	const requests = 10
	held, release := make(chan string, requests), make(chan struct{})
	upstream := core(t, func(w http.ResponseWriter, r *http.Request) {
		held <- r.Header.Get("X-B3-Traceid")
		<-release
		fmt.Fprint(w, "done")
	})
	zipkin := servertest.NewCollector(t)
	middle := servertest.Start(t, run, "UPSTREAM_URL="+upstream, "OTEL_EXPORTER_ZIPKIN_ENDPOINT="+zipkin.Endpoint)
	var answered sync.WaitGroup
	for range requests {
		answered.Go(func() {
			if resp, body := ask(t, "GET", middle.URL+"/slow-endpoint"); resp.StatusCode != 200 || body != "done" {
				t.Errorf("%d %q", resp.StatusCode, body)
			}
		})
	}
	traces := map[string]int{}
	for range requests {
		traces[<-held] = 0
	}
	middle.Terminate()
	close(release)
	answered.Wait()
	if code := middle.Wait(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, middle.Logs())
	}
	for _, span := range zipkin.Spans() {
		traces[span.TraceID]++
		if span.Name != "GET /slow-endpoint" && span.Name != "GET "+strings.TrimPrefix(upstream, "http://") {
			t.Errorf("span %q", span.Name)
		}
	}
	for trace, spans := range traces {
		if spans != 2 {
			t.Errorf("%d spans of trace %s arrived, wanted server and client", spans, trace)
		}
	}
}

// TestDropCounts: with DROP_RATE=100 at the next hop each call fails and is made once.
func TestDropCounts(t *testing.T) {
	t.Parallel()
	dropping := servertest.Start(t, run, "SERVICE_NAME=dropping", "UPSTREAM_URL=http://unused")
	middle := servertest.Start(t, run, "UPSTREAM_URL="+dropping.URL)
	if resp, _ := ask(t, "GET", middle.URL+"/hops"); resp.StatusCode != 502 {
		t.Fatalf("an unknown upstream: %d", resp.StatusCode)
	}
	r, err := http.NewRequest(http.MethodPut, dropping.Admin+"/faults", strings.NewReader(`{"drop_rate":100}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	const calls = 20
	for range calls {
		if resp, _ := ask(t, "GET", middle.URL+"/hops"); resp.StatusCode != 502 {
			t.Errorf("a dropped call: %d, wanted 502", resp.StatusCode)
		}
	}
	if _, metrics := ask(t, "GET", dropping.Admin+"/metrics"); !strings.Contains(metrics, fmt.Sprintf("faults_injected_total{kind=\"drop\"} %d\n", calls)) {
		t.Errorf("wanted %d drops:\n%s", calls, metrics)
	}
}

// TestHelp holds the whole text of --help.
func TestHelp(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := servertest.Exec(t, run, []string{"--help"}, nil)
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if *update {
		if err := os.WriteFile("testdata/help.txt", []byte(stdout), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/help.txt")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), stdout); d != "" {
		t.Errorf("(-want +got), -update writes it:\n%s", d)
	}
}

// TestBadSettings are told all at once, with exit code 2.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	code, _, stderr := servertest.Exec(t, run, []string{"--latency=soon"}, []string{"UPSTREAM_URL=https://core", "PORT=http", "ERROR_RATE=101", "SERVICE_NAME=a b"})
	const want = `LATENCY: want a duration such as 250ms or a range such as 100ms-2s, got "soon"
UPSTREAM_URL: want an http:// URL, as upstreams are plain HTTP and encryption is the mesh's, got "https://core"
PORT: want a port number from 0 to 65535, got "http"
ERROR_RATE: want a number from 0 to 100, got "101"
SERVICE_NAME: want a name of up to 253 letters, digits, dots, underscores and hyphens, got "a b"
`
	if d := cmp.Diff(want, stderr); d != "" || code != 2 {
		t.Errorf("exit code %d (-want +got):\n%s", code, d)
	}
}
