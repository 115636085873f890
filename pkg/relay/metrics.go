package relay

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hopline/hopline/pkg/telemetry"
)

// metrics count calls to upstreams. No label has a value from a response or a request: upstream is configured, method and code have few
// values.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
}

func newMetrics(registry *prometheus.Registry) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_client_requests_total",
			Help: "Calls to upstreams. The code is error without a response.",
		}, []string{"upstream", "method", "code"}),
		duration: telemetry.NewDurations("http_client_request_duration_seconds",
			"Time until an upstream's response begins.", "upstream", "method", "code"),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "http_client_requests_in_flight",
			Help: "Calls whose response has not begun.",
		}, []string{"upstream"}),
	}
	registry.MustRegister(m.requests, m.duration, m.inFlight)
	return m
}

type upstreamKey struct{}

// instrument counts and times the calls of next that get a response. The context of a call holds its upstream's name under upstreamKey.
func (m *metrics) instrument(next http.RoundTripper) http.RoundTripper {
	labels := []promhttp.Option{
		promhttp.WithLabelFromCtx("upstream", func(ctx context.Context) string {
			upstream, _ := ctx.Value(upstreamKey{}).(string)
			return upstream
		}),
		promhttp.WithLabelFromRequest("method", func(r *http.Request) string { return telemetry.Method(r.Method) }),
	}
	next = promhttp.InstrumentRoundTripperCounter(m.requests, next, labels...)
	return promhttp.InstrumentRoundTripperDuration(m.duration, next, append(labels, promhttp.WithExemplarFromContext(telemetry.Exemplar))...)
}

// failed counts a call that got no response, which promhttp's instrumentation does not count.
func (m *metrics) failed(ctx context.Context, upstream, method string, took time.Duration) {
	labels := []string{upstream, telemetry.Method(method), "error"}
	m.requests.WithLabelValues(labels...).Inc()
	telemetry.Observe(ctx, m.duration.WithLabelValues(labels...), took)
}
