package telemetry

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// newRegistry holds what every process reports about itself.
func newRegistry(id Identity) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "hopline_build_info",
			Help:        "Always 1; the labels say what runs.",
			ConstLabels: prometheus.Labels{"service": id.Service, "version": id.Version, "goversion": runtime.Version()},
		}, func() float64 { return 1 }),
	)
	return registry
}

// DurationBuckets bound the classic buckets of all durations, in seconds: from a call on loopback to the slow page with faults.
// Native buckets are kept beside them.
func DurationBuckets() []float64 {
	return []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
}

// DurationHistogram is a histogram of durations with classic and native buckets. A native histogram of factor 1.1 tells durations
// apart that differ by a tenth; at most 160 of its buckets are kept.
func DurationHistogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:                            name,
		Help:                            help,
		Buckets:                         DurationBuckets(),
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	}, labels)
}

// Observe notes a duration, with the trace as its exemplar unless traceID is empty.
func Observe(to prometheus.ExemplarObserver, took time.Duration, traceID string) {
	if traceID == "" {
		to.(prometheus.Observer).Observe(took.Seconds())
		return
	}
	to.ObserveWithExemplar(took.Seconds(), prometheus.Labels{TraceIDField: traceID})
}

// Method is an HTTP method as a label or attribute: those of RFC 9110 and 5789, and _OTHER for what else a client sends.
func Method(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE":
		return method
	}
	return "_OTHER"
}
