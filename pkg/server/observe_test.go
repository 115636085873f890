package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
)

// TestResponseHeaders: every response, errors included, names the service and the trace, and has the forwarded headers.
func TestResponseHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t, "SERVICE_VERSION=v2")
	r.Get("/hello", Hello)
	for _, path := range []string{"/hello", "/nowhere"} {
		w := r.ask("GET", path, "X-Request-Id", "the id", "X-Dev-User", "betaUser", "X-Ot-Span-Context", "a", "Fail", "0", "X-Fault-Other", "error=100",
			"X-B3-Traceid", "463ac35c9f6413ad48485a3953bb6124", "X-B3-Spanid", "0020000000000001", "X-B3-Sampled", "0", "Cookie", "secret")
		got := w.Header()
		for _, own := range []string{"Content-Type", "Content-Length", "X-Content-Type-Options", "Server-Timing"} {
			got.Del(own)
		}
		want := http.Header{
			"X-Request-Id": {"the id"}, "X-Dev-User": {"betaUser"}, "X-Ot-Span-Context": {"a"}, "Fail": {"0"}, "X-Fault-Other": {"error=100"},
			"X-B3-Traceid": {"463ac35c9f6413ad48485a3953bb6124"}, "X-Served-By": {"core-v2/core-1"},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
}

// TestLabels: no path, method or code that a client chooses becomes a label.
func TestLabels(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/item/{id}", func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(map[bool]int{true: 201, false: 200}[chi.URLParam(req, "id") == "7"])
	})
	r.Route("/sub", func(sub chi.Router) { sub.Get("/{name}/*", Hello) })
	r.ask("GET", "/item/1")
	r.ask("GET", "/item/2")
	r.ask("GET", "/item/7")
	r.ask("HEAD", "/item/1")
	r.ask("GET", "/sub/a/b/c")
	r.ask("GET", "/nowhere/"+strings.Repeat("x", 100))
	r.ask("BREW", "/item/1")
	r.ask("POST", "/item/1")
	r.ask("GET", "/item/3", "x-fault-core", "error=100")
	var got []string
	for line := range strings.Lines(r.scrape()) {
		if rest, ok := strings.CutPrefix(line, "http_server_requests_total"); ok {
			got = append(got, strings.TrimSpace(rest))
		}
	}
	want := []string{
		`{code="200",method="GET",route="/item/{id}"} 2.0`,
		`{code="200",method="GET",route="/sub/{name}/*"} 1.0`,
		`{code="200",method="HEAD",route="/item/{id}"} 1.0`,
		`{code="201",method="GET",route="/item/{id}"} 1.0`,
		`{code="404",method="GET",route="unmatched"} 1.0`,
		`{code="405",method="POST",route="unmatched"} 1.0`,
		`{code="405",method="_OTHER",route="unmatched"} 1.0`,
		`{code="500",method="GET",route="/item/{id}"} 1.0`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !strings.Contains(r.scrape(), "http_server_requests_in_flight 0.0\n") {
		t.Error("requests are still in flight")
	}
}

// TestJoined: the exemplar of a request's metric names its trace, and its log line has the trace id.
func TestJoined(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/hello", func(w http.ResponseWriter, req *http.Request) {
		r.Log(req.Context()).Info("inside")
		Hello(w, req)
	})
	traceID := r.ask("GET", "/hello").Header().Get("X-B3-Traceid")
	if !strings.Contains(r.scrape(), `# {trace_id="`+traceID+`"}`) {
		t.Errorf("no exemplar of trace %s", traceID)
	}
	span := r.spans.Ended()[0]
	if span.SpanContext().TraceID().String() != traceID || span.Name() != "GET /hello" {
		t.Errorf("span %s of trace %s, wanted GET /hello of %s", span.Name(), span.SpanContext().TraceID(), traceID)
	}
	lines := r.log.lines(t)
	if len(lines) != 2 {
		t.Fatalf("%d lines, wanted the handler's and the request's: %v", len(lines), lines)
	}
	for _, line := range lines {
		if line["trace_id"] != traceID || line["span_id"] != span.SpanContext().SpanID().String() || line["service"] != "core" || line["caller"] == nil {
			t.Errorf("line %v does not have the id of trace %s", line, traceID)
		}
	}
	want := map[string]any{"msg": "request", "level": "info", "method": "GET", "path": "/hello", "route": "/hello", "code": 200.0, "bytes": 19.0}
	for key, value := range want {
		if lines[1][key] != value {
			t.Errorf("%s is %v, wanted %v", key, lines[1][key], value)
		}
	}
}

// TestUnsampled: a trace that is not sampled has no exemplar, but its log lines have its id.
func TestUnsampled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Telemetry.Tracer = r.own
	r.Get("/hello", Hello)
	r.ask("GET", "/hello", "b3", "0")
	if strings.Contains(r.scrape(), "trace_id=") {
		t.Error("an exemplar names a trace that was not sampled")
	}
	if line := r.log.lines(t)[0]; len(line["trace_id"].(string)) != 32 {
		t.Errorf("no trace id in %v", line)
	}
}

// TestPanic: a handler's panic is a 500 with a log line, and the next request succeeds.
func TestPanic(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/early", func(http.ResponseWriter, *http.Request) { panic("bad\nluck") })
	r.Get("/late", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(errors.New("worse"))
	})
	s := r.serve(t)
	resp, err := s.Client().Get(s.URL + "/early")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 500 || string(body) != "Internal Server Error\n" {
		t.Errorf("%d %q, %v", resp.StatusCode, body, err)
	}
	resp, err = s.Client().Get(s.URL + "/late")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("half a response looked complete")
	}
	var panics []any
	for _, line := range r.log.lines(t) {
		if line["msg"] == "a handler panicked" {
			panics = append(panics, line["panic"])
		}
	}
	if d := cmp.Diff([]any{"bad\nluck", "worse"}, panics); d != "" {
		t.Errorf("logged (-want +got):\n%s", d)
	}
}

// TestGone: a client that disconnected is a 499, not a server error.
func TestGone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/slow", func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	func() {
		defer func() {
			if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // the value itself is what net/http looks for
				t.Errorf("panicked with %v, want http.ErrAbortHandler", got)
			}
		}()
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/slow", nil).WithContext(ctx))
	}()
	if line := r.log.lines(t)[0]; line["code"] != 499.0 || line["level"] != "info" {
		t.Errorf("logged %v", line)
	}
}

// TestLogEscapes: a client's value cannot break out of its field or fill the disk.
func TestLogEscapes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/hello", Hello)
	w := r.ask("GET", "/%0a%22%7d%1b[31m"+strings.Repeat("x", 5000), "X-Request-Id", strings.Repeat("y", 5000))
	if w.Code != 404 {
		t.Fatal(w.Code)
	}
	line := r.log.lines(t)[0]
	if path := line["path"].(string); !strings.HasPrefix(path, "/\n\"}\x1b[31mxxx") || len(path) > 600 {
		t.Errorf("path %q", path)
	}
	if id := line["request_id"].(string); len(id) > 600 {
		t.Errorf("a request id of %d bytes was logged", len(id))
	}
}

// TestTiming: this hop is first, followed by those behind it.
func TestTiming(t *testing.T) {
	t.Parallel()
	r := newRig(t, "SERVICE_VERSION=v2")
	r.Get("/hello", func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Server-Timing", `clock;desc="prod";dur=1`)
		Hello(w, req)
	})
	var took float64
	got := r.ask("GET", "/hello").Header().Get("Server-Timing")
	if n, err := fmt.Sscanf(got, `core;desc="v2";dur=%f, clock;desc="prod";dur=1`, &took); n != 1 || err != nil {
		t.Errorf("server-timing %q: %v", got, err)
	}
}

// TestCost limits the allocations of a request beyond the same handler on a bare router, without the exporter's later ones: 45 when this
// was written, and a few more when the garbage collector empties pools. The usual assembly has 81.
func TestCost(t *testing.T) {
	const most = 52
	full, bare := instrumented(t), plainRouter()
	shelf, _ := usual(t)
	exercise(full)
	per := func(h http.Handler) float64 { return testing.AllocsPerRun(400, func() { exercise(h) }) } // fewer than a batch of spans
	extra, usual := per(full)-per(bare), per(shelf)-per(bare)
	if extra > most || extra > usual {
		t.Errorf("%v allocations more than a bare router, wanted at most %d, and no more than the usual assembly's %v", extra, most, usual)
	}
}
