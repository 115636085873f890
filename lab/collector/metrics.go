package collector

import "github.com/prometheus/client_golang/prometheus"

// metrics counts spans received and lost.
type metrics struct {
	received *prometheus.CounterVec // by transport: zipkin, otlp, lab
	dropped  *prometheus.CounterVec

	invalid, overflow, evicted, forward prometheus.Counter // the reasons of dropped
	forwarded                           prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		received: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hopline_collector_spans_total", Help: "Spans received, by transport.",
		}, []string{"transport"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hopline_collector_spans_dropped_total",
			Help: "Spans lost: invalid, overflow (too many waited to be stored), evicted (removed to make room), forward (not accepted by --zipkin).",
		}, []string{"reason"}),
		forwarded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hopline_collector_spans_forwarded_total", Help: "Spans that the collector of --zipkin accepted.",
		}),
	}
	for _, transport := range []string{"zipkin", "otlp", "lab"} {
		m.received.WithLabelValues(transport)
	}
	m.invalid = m.dropped.WithLabelValues("invalid")
	m.overflow = m.dropped.WithLabelValues("overflow")
	m.evicted = m.dropped.WithLabelValues("evicted")
	m.forward = m.dropped.WithLabelValues("forward")
	return m
}

// register registers the metrics, and gauges for the fill level of the store.
func (m *metrics) register(r prometheus.Registerer, s *Store) error {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	for _, c := range []prometheus.Collector{
		m.received, m.dropped, m.forwarded,
		gauge("hopline_collector_stored_spans", "Spans in memory.", func() float64 { return float64(s.Stats().Spans) }),
		gauge("hopline_collector_stored_traces", "Traces in memory.", func() float64 { return float64(s.Stats().Traces) }),
		gauge("hopline_collector_stored_bytes", "Estimated memory of the spans in memory.", func() float64 { return float64(s.Stats().Bytes) }),
	} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Stats holds the fill level of a store.
type Stats struct {
	Traces, Spans int
	Bytes         int64 // estimated
}

// Stats returns the fill level of the store.
func (s *Store) Stats() Stats {
	s.lock()
	defer s.mu.Unlock()
	return Stats{Traces: len(s.traces), Spans: s.spans, Bytes: s.size()}
}
