package server

import (
	"context"
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.opentelemetry.io/otel/propagation"
)

// BenchmarkParts measures what the parts of the telemetry cost a request, with and without the network, as in BenchmarkRequest. Each subject lacks
// one part more than the one before: the export of spans, then spans and exemplars, the log line, metrics, and the reading of trace headers.
// The cost of a part, in nanoseconds of processor time, is the difference of the two. "other" is the rest besides the bare handler: headers
// that are forwarded or set, faults, limits and timing.
func BenchmarkParts(b *testing.B) {
	all := parts(b)
	b.Run("recorder", func(b *testing.B) { reportParts(b, all, alternate(b, all, func(s subject) { exercise(s.h) })) })
	b.Run("wire", func(b *testing.B) { reportParts(b, all, alternate(b, all, overWire(b, all))) })
}

// reportParts reports the differences between the subjects, which took so long for a request.
func reportParts(b *testing.B, all []subject, took []float64) {
	for i := range all[1:] {
		b.ReportMetric(took[i]-took[i+1], "ns/"+all[i+1].name)
	}
	last := len(took) - 1
	b.ReportMetric(took[last], "ns/bare")
	b.ReportMetric(took[0]/took[last], "all/bare")
	b.ReportMetric(0, "ns/op") // of a round of all subjects
}

// parts returns the subjects. Each is named after the part that it lacks, and the one before has.
func parts(b *testing.B) []subject {
	const exportOff, spansOff, logOff = "OTEL_TRACES_EXPORTER=none", "OTEL_TRACES_SAMPLER=always_off", "LOG_LEVEL=error"
	full, unexported, spanless := instrumented(b), instrumented(b, exportOff), instrumented(b, exportOff, spansOff)
	silent, uncounted, apart := instrumented(b, exportOff, spansOff, logOff), instrumented(b, exportOff, spansOff, logOff), instrumented(b, exportOff, spansOff, logOff)
	apart.Telemetry.Propagator = propagation.NewCompositeTextMapPropagator()
	nothing := func(context.Context) error { return nil }
	return []subject{
		{"all", full, full.Telemetry.Flush},
		{"export", unexported, nothing},
		{"span", spanless, nothing},
		{"log", silent, nothing},
		{"metrics", withoutMetrics(uncounted), nothing},
		{"propagation", withoutMetrics(apart), nothing},
		{"other", plainRouter(), nothing},
	}
}

// withoutMetrics returns the service's application with all middleware except for the metrics.
func withoutMetrics(s *Service) http.Handler {
	router := chi.NewRouter()
	router.Use(s.observe, s.settle, s.limit, s.inject, middleware.GetHead)
	router.Get("/hello", benchHello)
	return router
}
