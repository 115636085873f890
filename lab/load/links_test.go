package load

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// TestTheReportLinksTraces runs against a server whose responses name traces, with a lab that has some of them: one after a while, as spans
// arrive later than responses. Failed requests are listed with their traces too.
func TestTheReportLinksTraces(t *testing.T) {
	t.Parallel()
	const late, missing, bad = "000000000000000a", "000000000000000b", "../../pods"
	var requests, asked atomic.Int64
	target := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		trace := []string{late, missing, bad}[requests.Add(1)%3]
		w.Header().Set("x-b3-traceid", trace)
		if trace == late {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	lab := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/traces/"+late && asked.Add(1) > 2:
		case r.URL.Path == "/api/traces/"+late || r.URL.Path == "/api/traces/"+missing:
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Path != "/pods":
			t.Errorf("the lab got a request for %s", r.URL)
		}
	}))
	u, err := url.Parse(lab.URL)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	r, err := run(t.Context(), t, target.URL, "--rate=100", "--requests=9", "--console-port="+u.Port(), "--html="+file)
	if err != nil {
		t.Fatal(err)
	}
	page := "http://localhost:" + u.Port() + "/trace/" + late
	links := map[string]string{late: page}
	if len(r.Slowest) != 9 || len(r.Failed) != 3 {
		t.Errorf("%d slowest and %d failed requests, want 9 and 3", len(r.Slowest), len(r.Failed))
	}
	for _, s := range append(r.Slowest, r.Failed...) {
		if s.Link != links[s.TraceID] {
			t.Errorf("trace %s has the link %q, want %q", s.TraceID, s.Link, links[s.TraceID])
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), `<a href="`+page+`">`); n != 6 {
		t.Errorf("%d links to %s, want 3 of the slowest and 3 of the failed", n, page)
	}
	if n := strings.Count(string(text), "<a "); n != 6 {
		t.Errorf("%d links, want 6", n)
	}
}

// TestWithoutALabNothingIsLinked: the report does not wait for a lab that does not run.
func TestWithoutALabNothingIsLinked(t *testing.T) {
	t.Parallel()
	port, err := strconv.Atoi(freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	r := sample(t)
	r.linkTo(t.Context(), port)
	for _, s := range append(r.Slowest, r.Failed...) {
		if s.Link != "" {
			t.Errorf("trace %s has the link %s", s.TraceID, s.Link)
		}
	}
}
