package server

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hopline/hopline/pkg/telemetry"
)

// metrics count requests and faults. No label takes its value from outside: route is a pattern of the router, method and code are of
// short lists.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	faults   *prometheus.CounterVec
	series   sync.Map // seriesKey → *series, so that a request looks up no labels
}

type seriesKey struct {
	route, method string
	code          int
}

type series struct {
	requests prometheus.Counter
	duration prometheus.ExemplarObserver
}

func newMetrics(registry *prometheus.Registry) *metrics {
	labels := []string{"route", "method", "code"}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_server_requests_total",
			Help: "Requests answered. The code is 499 when the client left first and none when the connection was closed without an answer.",
		}, labels),
		duration: telemetry.DurationHistogram("http_server_request_duration_seconds", "Time from a request's header to the end of its answer.", labels...),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_server_requests_in_flight",
			Help: "Requests being answered.",
		}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "faults_injected_total",
			Help: "Faults injected on purpose.",
		}, []string{"kind"}),
	}
	for _, kind := range []string{faultError, faultDrop, faultLatency} {
		m.faults.WithLabelValues(kind) // shown from the start, at 0
	}
	registry.MustRegister(m.requests, m.duration, m.inFlight, m.faults)
	return m
}

// observe counts one request.
func (m *metrics) observe(route, method string, code int, took time.Duration, traceID string) {
	key := seriesKey{route, telemetry.Method(method), code}
	found, ok := m.series.Load(key)
	if !ok {
		label := strconv.Itoa(code)
		if code == codeDropped {
			label = "none"
		}
		found, _ = m.series.LoadOrStore(key, &series{
			m.requests.WithLabelValues(key.route, key.method, label),
			m.duration.WithLabelValues(key.route, key.method, label).(prometheus.ExemplarObserver),
		})
	}
	s := found.(*series)
	s.requests.Inc()
	telemetry.Observe(s.duration, took, traceID)
}
