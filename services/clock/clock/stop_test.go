package clock

import (
	"regexp"
	"testing"
	"time"

	"github.com/hopline/hopline/pkg/server/servertest"
)

// TestStop sends SIGTERM while requests are in flight: none is lost, and the spans of all arrive.
func TestStop(t *testing.T) {
	t.Parallel()
	const requests = 5
	zipkin := servertest.NewCollector(t)
	clock := servertest.Start(t, Run, "LATENCY=1s", "OTEL_EXPORTER_ZIPKIN_ENDPOINT="+zipkin.Endpoint)

	type answer struct {
		code        int
		trace, body string
	}
	answers := make(chan answer, requests)
	for range requests {
		go func() {
			resp, body := do(t, "GET", clock.URL+"/time", "", "")
			answers <- answer{resp.StatusCode, resp.Header.Get("X-B3-Traceid"), body}
		}()
	}
	await(t, "all requests to be in flight", func() bool {
		_, metrics := do(t, "GET", clock.Admin+"/metrics", "", "")
		return regexp.MustCompile(`(?m)^http_server_requests_in_flight(\{.*\})? 5$`).MatchString(metrics)
	})
	clock.Terminate()
	traces := map[string]bool{}
	for range requests {
		got := <-answers
		if got.code != 200 || !regexp.MustCompile(`^took .* at .*Z\n$`).MatchString(got.body) {
			t.Errorf("a request in flight got %d %q", got.code, got.body)
		}
		traces[got.trace] = true
	}
	if code := clock.Wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, span := range zipkin.Spans() {
		if span.Kind == "SERVER" && span.Tags["http.route"] == "/time" {
			delete(traces, span.TraceID)
		}
	}
	if len(traces) > 0 {
		t.Errorf("no span has arrived of %v", traces)
	}
}

// await waits until so returns true, for twenty seconds at most.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited too long for %s", what)
		}
	}
}
