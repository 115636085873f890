package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"
)

// newRegistry holds what every process reports about itself.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// NewDurations makes a histogram of durations in seconds, with classic and native buckets. The classic ones reach from a call on loopback
// to the slow page with faults. The native ones tell durations apart that differ by a tenth; at most 160 of them are kept.
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

// Exemplar leads from an observation made in ctx to its trace. It is nil for a trace that is not kept.
func Exemplar(ctx context.Context) prometheus.Labels {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsSampled() {
		return nil
	}
	return prometheus.Labels{TraceIDField: span.TraceID().String()}
}

// Observe notes a duration with the exemplar of ctx.
func Observe(ctx context.Context, observer prometheus.Observer, took time.Duration) {
	if exemplar := Exemplar(ctx); exemplar != nil {
		observer.(prometheus.ExemplarObserver).ObserveWithExemplar(took.Seconds(), exemplar)
		return
	}
	observer.Observe(took.Seconds())
}
