package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/hopline/hopline/pkg/config"
)

// rig is a service called core without listeners, its log, and the spans that it ended.
type rig struct {
	*Service
	log   *logBuffer
	spans *tracetest.SpanRecorder
	own   trace.Tracer // the service's tracer, which spans replaces; it implements B3's decisions
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// lines returns the entries so far.
func (l *logBuffer) lines(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for line := range strings.Lines(l.b.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, entry)
	}
	return all
}

func newRig(t *testing.T, env ...string) *rig {
	t.Helper()
	r := &rig{log: &logBuffer{}, spans: tracetest.NewSpanRecorder()}
	s, err := Open(Process{Env: env, Hostname: "core-1", Stdout: r.log, Stderr: r.log}, config.Program{Name: "core"}, &Config{})
	if err != nil {
		t.Fatalf("Open: %v: %s", err, r.log.b.String())
	}
	r.own = s.Telemetry.Tracer
	s.Telemetry.Tracer = sdk.NewTracerProvider(sdk.WithSpanProcessor(r.spans)).Tracer("test")
	t.Cleanup(func() {
		s.state.cancel()
		s.Client.Close()
		s.flush()
	})
	r.Service = s
	return r
}

// ask sends a request through all of the middleware.
func (r *rig) ask(method, target string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

// serve starts a real listener for the service.
func (r *rig) serve(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config = r.newServer(r.state.ctx, r.Service)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// scrape returns the lines of a scrape in OpenMetrics.
func (r *rig) scrape() string {
	w, req := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
	req.Header.Set("Accept", "application/openmetrics-text")
	promhttp.HandlerFor(r.Telemetry.Registry, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, req)
	return w.Body.String()
}
