package front

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hopline/hopline/pkg/server/servertest"
)

// TestStop sends SIGTERM while slow pages are in flight and a fast page's call continues in the background: none is lost, and the spans of
// all arrive.
func TestStop(t *testing.T) {
	t.Parallel()
	const slow = 5
	arrived, release := make(chan string, slow+1), make(chan struct{})
	middle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- r.Header.Get("X-B3-Traceid")
		<-release
		io.WriteString(w, "at last\n")
	}))
	t.Cleanup(middle.Close)
	zipkin := servertest.NewCollector(t)
	front := servertest.Start(t, Run, "UPSTREAM_URL="+middle.URL, "OTEL_EXPORTER_ZIPKIN_ENDPOINT="+zipkin.Endpoint)

	resp, body := get(t, front.URL+"/fast-page", curl, nil)
	if resp.StatusCode != http.StatusOK || body != "Hello Fast!\n" {
		t.Fatalf("the fast page: %d %q", resp.StatusCode, body)
	}
	fastTrace := resp.Header.Get("X-B3-Traceid")
	answers := make(chan string, slow)
	for range slow {
		go func() {
			resp, body := get(t, front.URL+"/slow-page", curl, nil)
			answers <- resp.Status + " " + body
		}()
	}
	var traces []string
	for range slow + 1 {
		traces = append(traces, <-arrived)
	}
	if !slices.Contains(traces, fastTrace) {
		t.Errorf("the call in the background left the trace %s of its page", fastTrace)
	}

	front.Terminate()
	close(release)
	for range slow {
		if got, want := <-answers, "200 OK Response from core: at last\n"; got != want {
			t.Errorf("a request in flight got %q, want %q", got, want)
		}
	}
	if code := front.Wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	checkSpans(t, zipkin.Spans(), traces, fastTrace)
}

// TestCutShort stops the front while its upstream hangs: a browser gets an error instead of a page without content.
func TestCutShort(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	middle := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	t.Cleanup(middle.Close)
	defer close(release)
	front := servertest.Start(t, Run, "UPSTREAM_URL="+middle.URL, "SHUTDOWN_TIMEOUT=50ms")
	answer := make(chan string)
	go func() {
		resp, body := get(t, front.URL+"/slow-page", browser, nil)
		answer <- resp.Status + " " + body
	}()
	<-arrived
	front.Terminate()
	if got := <-answer; !strings.HasPrefix(got, "503 ") || !strings.Contains(got, "front-dev stops") {
		t.Errorf("the request that was cancelled got %q, want a 503 with the reason", got)
	}
}

// checkSpans checks that every trace has the server's and the client's span, and that a slow page's has its own span between them.
func checkSpans(t *testing.T, spans []servertest.Span, traces []string, fastTrace string) {
	t.Helper()
	count := map[string]int{}
	for _, span := range spans {
		count[span.TraceID+" "+span.Kind]++
		if span.Name == "slow-page-custom-span" {
			count[span.TraceID+" custom"]++
		}
	}
	for _, trace := range traces {
		custom := 1
		if trace == fastTrace {
			custom = 0
		}
		if count[trace+" SERVER"] != 1 || count[trace+" CLIENT"] != 1 || count[trace+" custom"] != custom {
			t.Errorf("trace %s has %d server, %d client and %d slow-page-custom-span spans, want 1, 1 and %d",
				trace, count[trace+" SERVER"], count[trace+" CLIENT"], count[trace+" custom"], custom)
		}
	}
}
