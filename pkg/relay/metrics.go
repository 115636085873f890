package relay

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hopline/hopline/pkg/telemetry"
)

// metrics count calls to upstreams. No label takes its value from an answer or a request: upstream is configured, method and code are of
// short lists.
type metrics struct {
	requests *prometheus.CounterVec
	duration *telemetry.Durations
	inFlight *prometheus.GaugeVec
	series   sync.Map // seriesKey → *series, so that a call looks up no labels
}

type seriesKey struct {
	upstream, method string
	code             int
}

type series struct {
	requests prometheus.Counter
	duration *telemetry.Duration
}

func newMetrics(registry *prometheus.Registry) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_client_requests_total",
			Help: "Calls to upstreams. The code is error when no answer came.",
		}, []string{"upstream", "method", "code"}),
		duration: telemetry.NewDurations("http_client_request_duration_seconds",
			"Time until an upstream's answer began.", "upstream", "method", "code"),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "http_client_requests_in_flight",
			Help: "Calls whose answer has not begun.",
		}, []string{"upstream"}),
	}
	registry.MustRegister(m.requests, m.duration, m.inFlight)
	return m
}

// observe counts one call; code is 0 when no answer came.
func (m *metrics) observe(upstream, method string, code int, took time.Duration, traceID string) {
	key := seriesKey{upstream, telemetry.Method(method), code}
	found, ok := m.series.Load(key)
	if !ok {
		label := "error"
		if code != 0 {
			label = strconv.Itoa(code)
		}
		found, _ = m.series.LoadOrStore(key, &series{
			m.requests.WithLabelValues(key.upstream, key.method, label),
			m.duration.With(key.upstream, key.method, label),
		})
	}
	s := found.(*series)
	s.requests.Inc()
	s.duration.Observe(took, traceID, time.Now())
}
