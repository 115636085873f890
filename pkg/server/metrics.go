package server

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hopline/hopline/pkg/telemetry"
)

// metrics count requests and faults. No label takes its value from outside: route is a pattern of the router, method and code are of
// short lists.
type metrics struct {
	requests *prometheus.CounterVec
	duration *telemetry.Durations
	inFlight prometheus.Gauge
	faults   *prometheus.CounterVec
	series   sync.Map // seriesKey → *series, so that a request looks up no labels
}

type seriesKey struct {
	route, method string
	code          int
}

// series is what all requests of one route, method and code share.
type series struct {
	requests prometheus.Counter
	duration *telemetry.Duration
	spanName string
}

func newMetrics(registry *prometheus.Registry) *metrics {
	labels := []string{"route", "method", "code"}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_server_requests_total",
			Help: "Requests answered. The code is 499 when the client left first and none when the connection was closed without an answer.",
		}, labels),
		duration: telemetry.NewDurations("http_server_request_duration_seconds", "Time from a request's header to the end of its answer.", labels...),
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

// seriesOf finds the series of a request, and makes it for the first of its kind.
func (m *metrics) seriesOf(route, method string, code int) *series {
	key := seriesKey{route, telemetry.Method(method), code}
	if found, ok := m.series.Load(key); ok {
		return found.(*series)
	}
	label := strconv.Itoa(code)
	if code == codeDropped {
		label = "none"
	}
	found, _ := m.series.LoadOrStore(key, &series{
		requests: m.requests.WithLabelValues(key.route, key.method, label),
		duration: m.duration.With(key.route, key.method, label),
		spanName: spanName(method, route),
	})
	return found.(*series)
}
