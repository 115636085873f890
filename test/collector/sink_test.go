package collector

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// sink accepts OTLP over HTTP in the place of Loki, at /otlp/v1/logs, and of Jaeger, at /v1/traces.
type sink struct {
	*httptest.Server
	mu    sync.Mutex
	logs  []*logs.ResourceLogs
	spans []*trace.ResourceSpans
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /otlp/v1/logs", func(w http.ResponseWriter, r *http.Request) {
		var m collogs.ExportLogsServiceRequest
		if read(w, r, &m) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.logs = append(s.logs, m.ResourceLogs...)
		}
	})
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		var m coltrace.ExportTraceServiceRequest
		if read(w, r, &m) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.spans = append(s.spans, m.ResourceSpans...)
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// read decodes the body into m and reports whether it could.
func read(w http.ResponseWriter, r *http.Request, m proto.Message) bool {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return false
		}
		body = z
	}
	raw, err := io.ReadAll(body)
	if err == nil {
		err = proto.Unmarshal(raw, m)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	return err == nil
}

func (s *sink) allLogs() []*logs.ResourceLogs {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.logs)
}

func (s *sink) allSpans() []*trace.ResourceSpans {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.spans)
}
