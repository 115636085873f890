package servertest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Span holds the fields of a Zipkin span that tests check.
type Span struct {
	TraceID       string            `json:"traceId"`
	ParentID      string            `json:"parentId"`
	ID            string            `json:"id"`
	Kind          string            `json:"kind"`
	Name          string            `json:"name"`
	Tags          map[string]string `json:"tags"`
	LocalEndpoint struct {
		ServiceName string `json:"serviceName"`
	} `json:"localEndpoint"`
}

// Collector is a Zipkin collector on loopback that keeps all spans.
type Collector struct {
	Endpoint string // for OTEL_EXPORTER_ZIPKIN_ENDPOINT

	t       testing.TB
	mu      sync.Mutex
	spans   []Span
	arrived chan struct{}
}

// NewCollector starts a collector; it stops when the test ends.
func NewCollector(t testing.TB) *Collector {
	c := &Collector{t: t, arrived: make(chan struct{}, 1)}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.Endpoint = s.URL + "/api/v2/spans"
	return c
}

// ServeHTTP accepts spans as Zipkin does.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var spans []Span
	if err := json.NewDecoder(r.Body).Decode(&spans); err != nil || r.URL.Path != "/api/v2/spans" {
		http.Error(w, "no spans", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.spans = append(c.spans, spans...)
	c.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
	select {
	case c.arrived <- struct{}{}:
	default:
	}
}

// Spans returns the spans that have arrived so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Find waits for a span of a service with that name ("GET /hops") and returns the first. The name is compared in lower case, as Zipkin's
// format has it.
func (c *Collector) Find(service, name string) Span {
	c.t.Helper()
	limit := time.After(deadline)
	for {
		for _, span := range c.Spans() {
			if span.Name == strings.ToLower(name) && span.LocalEndpoint.ServiceName == service {
				return span
			}
		}
		select {
		case <-c.arrived:
		case <-limit:
			c.t.Fatalf("no span %q of %s within %v; there are %+v", name, service, deadline, c.Spans())
		}
	}
}
