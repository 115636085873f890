package servertest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/hopline/hopline/pkg/header"
	"github.com/hopline/hopline/pkg/server"
)

// Stop describes a stop of a service that calls an upstream, with requests in flight. In Env and Body, {upstream} is the upstream's
// address.
type Stop struct {
	Env                []string
	Method, Path, Body string // of each request
	Upstream           string // the upstream's response in the end
	Want               string // contained in each response
}

// LosesNone runs the service and sends SIGTERM while ten requests wait for the upstream. All of them get a response, the exit code is 0,
// and the server's and the client's span of each arrive at the collector, in one trace.
func (s Stop) LosesNone(t *testing.T, run func(server.Process) int) {
	t.Helper()
	const requests = 10
	held, release := make(chan string, requests), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		held <- r.Header.Get(header.B3TraceID)
		<-release
		_, _ = io.WriteString(w, s.Upstream)
	}))
	t.Cleanup(upstream.Close)
	zipkin := NewCollector(t)
	address := strings.NewReplacer("{upstream}", upstream.URL)
	env := []string{"OTEL_EXPORTER_ZIPKIN_ENDPOINT=" + zipkin.Endpoint}
	for _, variable := range s.Env {
		env = append(env, address.Replace(variable))
	}
	service := Start(t, run, env...)

	var answered sync.WaitGroup
	for range requests {
		answered.Go(func() {
			resp, body := Ask(t, s.Method, service.URL+s.Path, address.Replace(s.Body)) //nolint:bodyclose // Ask has read the body and closed it
			if resp.StatusCode != http.StatusOK || !strings.Contains(body, s.Want) {
				t.Errorf("a request in flight got %d %q, wanted 200 with %q", resp.StatusCode, body, s.Want)
			}
		})
	}
	spans := map[string][]string{}
	for range requests {
		spans[<-held] = nil
	}
	service.Terminate()
	close(release)
	answered.Wait()
	if code := service.Wait(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, service.Logs())
	}
	for _, span := range zipkin.Spans() {
		spans[span.TraceID] = append(spans[span.TraceID], span.Kind)
	}
	for trace, kinds := range spans {
		if got := strings.Join(kinds, " "); got != "CLIENT SERVER" {
			t.Errorf("of trace %s the spans %q arrived, wanted CLIENT and SERVER, in the order of their ends", trace, got)
		}
	}
}
