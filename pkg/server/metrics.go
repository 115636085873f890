package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hopline/hopline/pkg/telemetry"
)

// metrics count requests and faults. No label has a value from outside: route is a pattern of the router, method and code have few values.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	faults   *prometheus.CounterVec
}

func newMetrics(registry *prometheus.Registry) *metrics {
	labels := []string{"route", "method", "code"}
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_server_requests_total",
			Help: "Requests handled. The code is 499 if the client disconnected first, and none if the connection was closed without a response.",
		}, labels),
		duration: telemetry.NewDurations("http_server_request_duration_seconds", "Time from a request's header to the end of its response.", labels...),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_server_requests_in_flight",
			Help: "Requests in progress.",
		}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "faults_injected_total",
			Help: "Faults injected on purpose.",
		}, []string{"kind"}),
	}
	for _, kind := range []string{faultError, faultDrop, faultLatency} {
		m.faults.WithLabelValues(kind) // present from the start, at 0
	}
	registry.MustRegister(m.requests, m.duration, m.inFlight, m.faults)
	return m
}

// instrument counts and times requests. It reads all labels from the record in the request's context: promhttp has no code for a response
// that was never sent, and writes the method in lower case. next must not panic, or the request is not counted.
func (m *metrics) instrument(next http.Handler) http.Handler {
	labels := []promhttp.Option{
		promhttp.WithLabelFromCtx("route", func(ctx context.Context) string { return recordFrom(ctx).route(ctx) }),
		promhttp.WithLabelFromRequest("method", func(r *http.Request) string { return telemetry.Method(r.Method) }),
		promhttp.WithLabelFromCtx("code", func(ctx context.Context) string { return codeLabel(recordFrom(ctx).outcome) }),
	}
	next = promhttp.InstrumentHandlerCounter(m.requests, next, labels...)
	next = promhttp.InstrumentHandlerDuration(m.duration, next, append(labels, promhttp.WithExemplarFromContext(telemetry.Exemplar))...)
	return promhttp.InstrumentHandlerInFlight(m.inFlight, next)
}

func codeLabel(code int) string {
	if code == codeDropped {
		return "none"
	}
	return strconv.Itoa(code)
}
