package server

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestInject: each fault as its client sees it, and how it differs from a real failure: by header, span, log and metric.
func TestInject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env      []string
		header   []string
		code     int
		body     string
		injected []string
		span     string
		counts   string // error, drop, latency
	}{
		"none":                 {nil, nil, 200, "{\"hello\":\"world!\"}\n", nil, "", "000"},
		"ERROR_RATE":           {[]string{"ERROR_RATE=100"}, nil, 500, "Internal Server Error\n", []string{"core error"}, "error", "100"},
		"fail has no body":     {[]string{"ERROR_RATE=100"}, []string{"fail", "1"}, 500, "", []string{"core error"}, "error", "100"},
		"LATENCY":              {[]string{"LATENCY=1ms"}, nil, 200, "{\"hello\":\"world!\"}\n", []string{"core latency"}, "latency", "001"},
		"header, two together": {nil, []string{"x-fault-core", "error=100,latency=1ms"}, 500, "Internal Server Error\n", []string{"core latency", "core error"}, "latency,error", "101"},
		"another's header":     {nil, []string{"x-fault-front", "error=100"}, 200, "{\"hello\":\"world!\"}\n", nil, "", "000"},
		"wrong header":         {nil, []string{"fail", "abc"}, 400, "fail: want a number from 0 to 1, got \"abc\"\n", nil, "", "000"},
		"headers off":          {[]string{"FAULT_HEADERS=false"}, []string{"fail", "1"}, 200, "{\"hello\":\"world!\"}\n", nil, "", "000"},
		"off with nonsense":    {[]string{"FAULT_HEADERS=false"}, []string{"fail", "abc"}, 200, "{\"hello\":\"world!\"}\n", nil, "", "000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.env...)
			r.Get("/hello", Hello)
			w := r.ask("GET", "/hello", c.header...)
			if w.Code != c.code || w.Body.String() != c.body {
				t.Errorf("%d %q, wanted %d %q", w.Code, w.Body, c.code, c.body)
			}
			if d := cmp.Diff(c.injected, w.Header()["X-Fault-Injected"]); d != "" {
				t.Errorf("x-fault-injected (-want +got):\n%s", d)
			}
			if got, _ := describe(r.spans.Ended()[0])["fault.injected"].(string); got != c.span {
				t.Errorf("span attribute %q, wanted %q", got, c.span)
			}
			if got, _ := r.log.lines(t)[0]["fault_injected"].(string); got != c.span {
				t.Errorf("log field %q, wanted %q", got, c.span)
			}
			text := r.scrape()
			for i, kind := range []string{"error", "drop", "latency"} {
				if want := `faults_injected_total{kind="` + kind + `"} ` + c.counts[i:i+1] + ".0\n"; !strings.Contains(text, want) {
					t.Errorf("no %q in the metrics", want)
				}
			}
		})
	}
}

// TestInjectNot: health, crash and the admin listener have no faults.
func TestInjectNot(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ERROR_RATE=100", "DROP_RATE=100", "LATENCY=30s")
	r.Get("/health", Hello)
	r.Get("/crash", Hello)
	for _, path := range []string{"/health", "/crash"} {
		if w := r.ask("GET", path, "fail", "nonsense"); w.Code != 200 || w.Header().Get("X-Fault-Injected") != "" {
			t.Errorf("%s: %d with %v", path, w.Code, w.Header())
		}
	}
	r.state.ready.Store(true)
	for _, path := range []string{"/metrics", "/livez", "/readyz", "/version", "/loglevel", "/faults", "/debug/pprof/"} {
		if w := r.askAdmin("GET", path, ""); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if n := len(r.spans.Ended()); n != 2 {
		t.Errorf("%d spans, wanted those of /health and /crash: admin requests are not traced", n)
	}
}

// TestDrop: the client gets no response, the request is counted once, and the connection is closed.
func TestDrop(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DROP_RATE=100")
	r.Get("/hello", Hello)
	s := r.serve(t)
	resp, err := s.Client().Get(s.URL + "/hello")
	if err == nil {
		resp.Body.Close()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("error %v, wanted the connection to be closed", err)
	}
	s.CloseClientConnections()
	if text := r.scrape(); !strings.Contains(text, `http_server_requests_total{code="none",method="GET",route="/hello"} 1.0`) || !strings.Contains(text, `faults_injected_total{kind="drop"} 1.0`) {
		t.Errorf("metrics:\n%s", text)
	}
	span := describe(r.spans.Ended()[0])
	if span["fault.injected"] != "drop" || !strings.HasPrefix(span["status"].(string), "Error") || span["http.response.status_code"] != nil {
		t.Errorf("span %v", span)
	}
}

// TestInjectGone: a delay ends when the client disconnects.
func TestInjectGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, "LATENCY=30s")
	r.Get("/hello", Hello)
	s := r.serve(t)
	client := s.Client()
	client.Timeout = 50 * time.Millisecond
	if resp, err := client.Get(s.URL + "/hello"); err == nil {
		resp.Body.Close()
		t.Fatal("a response before the delay")
	}
	began := time.Now()
	s.Close() // waits for the request
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("the delay continued for %v", took)
	}
	if line := r.log.lines(t)[0]; line["code"] != 499.0 {
		t.Errorf("logged %v", line)
	}
}
