package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"
)

// newRegistry returns a registry with the metrics that every process reports about itself.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// NewDurations returns a histogram of durations in seconds, with classic and native buckets. The classic ones cover a call on loopback up
// to the slow page with faults. The native ones distinguish durations that differ by a tenth; at most 160 of them are kept.
func NewDurations(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                            name,
		Help:                            help,
		Buckets:                         []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	}, labels)
}

// Exemplar returns the labels that name the trace of an observation made in ctx, or nil for a trace that is not sampled.
func Exemplar(ctx context.Context) prometheus.Labels {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsSampled() {
		return nil
	}
	return prometheus.Labels{TraceIDField: span.TraceID().String()}
}

// Observe records a duration with the exemplar of ctx.
func Observe(ctx context.Context, observer prometheus.Observer, took time.Duration) {
	if exemplar := Exemplar(ctx); exemplar != nil {
		observer.(prometheus.ExemplarObserver).ObserveWithExemplar(took.Seconds(), exemplar)
		return
	}
	observer.Observe(took.Seconds())
}
