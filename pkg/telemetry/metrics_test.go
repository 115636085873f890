package telemetry

import (
	"context"
	"io"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/trace"
)

// observe records a duration in seconds, in a trace unless id is zero.
func observe(d *prometheus.HistogramVec, route string, seconds float64, id trace.TraceID) {
	ctx := context.Background()
	if id.IsValid() {
		ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled}))
	}
	Observe(ctx, d.WithLabelValues(route), time.Duration(seconds*float64(time.Second)))
}

// TestDurations reads a scrape in OpenMetrics: classic buckets, each with the trace of its last observation.
func TestDurations(t *testing.T) {
	t.Parallel()
	d := NewDurations("seconds", "help", "route")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(d)
	observe(d, "/a", 0.002, trace.TraceID{15: 1})
	observe(d, "/a", 0.002, trace.TraceID{15: 2})
	observe(d, "/a", 0.002, trace.TraceID{}) // not sampled: keeps the exemplar
	observe(d, "/a", 60, trace.TraceID{15: 3})
	observe(d, "/b", 0.0025, trace.TraceID{}) // a bound belongs to its bucket

	text := scrape(t, registry)
	for _, want := range []string{
		`seconds_bucket\{route="/a",le="0\.001"\} 0\n`,
		`seconds_bucket\{route="/a",le="0\.0025"\} 3 # \{trace_id="0{31}2"\} 0\.002 1\.\d+e\+09\n`,
		`seconds_bucket\{route="/a",le="30\.0"\} 3\n`,
		`seconds_bucket\{route="/a",le="\+Inf"\} 4 # \{trace_id="0{31}3"\} 60\.0 1\.\d+e\+09\n`,
		`seconds_count\{route="/a"\} 4\n`,
		`seconds_bucket\{route="/b",le="0\.0025"\} 1\n`,
		`seconds_bucket\{route="/b",le="\+Inf"\} 1\n`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// TestDurationsNative: native buckets are kept as well, with their own exemplars.
func TestDurationsNative(t *testing.T) {
	t.Parallel()
	d := NewDurations("seconds", "help", "route")
	for i := range 1000 {
		observe(d, "/", (time.Duration(i) * time.Millisecond).Seconds(), trace.TraceID{1})
	}
	var m dto.Metric
	if err := d.WithLabelValues("/").(prometheus.Metric).Write(&m); err != nil {
		t.Fatal(err)
	}
	if h := m.Histogram; h.GetSampleCount() != 1000 || len(h.PositiveSpan) == 0 || len(h.PositiveDelta) > 160 || len(h.Exemplars) == 0 {
		t.Errorf("%d observations, %d spans of %d native buckets, %d exemplars", h.GetSampleCount(), len(h.PositiveSpan), len(h.PositiveDelta), len(h.Exemplars))
	}
}

func scrape(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text")
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
