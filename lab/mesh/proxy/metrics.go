package proxy

import (
	"cmp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
)

// maxSeries bounds how many combinations of source, destination, code and flags have metrics of their own. Further requests are counted as
// dropped.
const maxSeries = 10_000

// buckets are Envoy's default histogram buckets, which Istio's Envoys use for durations in ms and for sizes in bytes.
var buckets = []float64{0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000}

// labelNames are the labels of Istio's standard metrics.
var labelNames = []string{
	"reporter",
	"source_workload", "source_workload_namespace", "source_principal", "source_app", "source_version", "source_cluster",
	"source_canonical_service", "source_canonical_revision",
	"destination_workload", "destination_workload_namespace", "destination_principal", "destination_app", "destination_version",
	"destination_service", "destination_service_name", "destination_service_namespace", "destination_cluster",
	"destination_canonical_service", "destination_canonical_revision",
	"request_protocol", "response_code", "grpc_response_status", "response_flags", "connection_security_policy",
}

// metrics holds Istio's standard metrics and the counts of what the proxy dropped.
type metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	received  *prometheus.HistogramVec
	sent      *prometheus.HistogramVec
	dropped   *prometheus.CounterVec

	droppedMirrors, droppedSeries prometheus.Counter

	mu     sync.Mutex
	links  map[linkKey]*link
	series int
	limit  int // maxSeries
}

func newMetrics(r prometheus.Registerer) *metrics {
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labelNames)
	}
	m := &metrics{
		requests:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "istio_requests_total", Help: "Requests, as Istio's standard metric."}, labelNames),
		durations: histogram("istio_request_duration_milliseconds", "Durations of requests, as Istio's standard metric."),
		received:  histogram("istio_request_bytes", "Sizes of requests' bodies, as Istio's standard metric."),
		sent:      histogram("istio_response_bytes", "Sizes of response bodies, as Istio's standard metric."),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hopline_proxy_dropped_total",
			Help: "What the proxy dropped to stay within its bounds: mirrors, and requests without metrics of their own."}, []string{"what"}),
		links: map[linkKey]*link{},
		limit: maxSeries,
	}
	m.droppedMirrors, m.droppedSeries = m.dropped.WithLabelValues("mirror"), m.dropped.WithLabelValues("series")
	if r != nil {
		r.MustRegister(m.requests, m.durations, m.received, m.sent, m.dropped)
	}
	return m
}

// linkKey identifies an edge of the mesh's graph.
type linkKey struct {
	source, destination      identity
	service, name, namespace string
}

// link is the pair of a source and a destination workload, as part of a service: the key of the metrics.
type link struct {
	linkKey
	metrics *metrics
	series  atomic.Pointer[[]*series]
	mu      sync.Mutex
}

// series holds the metrics of a link for one code and set of flags.
type series struct {
	code                     int
	flags                    flags
	reporter                 reporter
	requests                 prometheus.Counter
	duration, received, sent prometheus.Observer
}

// reporter is the side of a request that reports it.
type reporter uint8

const (
	bySource reporter = iota
	byDestination
)

// link returns the link from a caller to a pod, or to an unknown destination, as part of a cluster's service.
func (m *metrics) link(c *caller, k *mesh.Cluster, to *pod) *link {
	key := linkKey{source: c.who}
	nobody := identity{unknown, unknown, unknown, unknown, unknown, unknown, unknown}
	key.destination = nobody
	if to != nil {
		key.destination = to.who
	}
	if k != nil {
		key.service, key.name, key.namespace = k.Host, serviceName(k), cmp.Or(k.Namespace, unknown)
	} else {
		key.service, key.name, key.namespace = unknown, unknown, unknown
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.links[key]
	if e == nil {
		e = &link{linkKey: key, metrics: m}
		e.series.Store(&[]*series{})
		m.links[key] = e
	}
	return e
}

// serviceName returns a Service's short name, or a ServiceEntry's host.
func serviceName(k *mesh.Cluster) string {
	if name, ok := strings.CutSuffix(k.Host, istio.ServiceHost("", k.Namespace)); ok && name != "" {
		return name
	}
	return k.Host
}

// of returns the series of a code and flags; nil once there are too many.
func (e *link) of(by reporter, code int, f flags) *series {
	for _, s := range *e.series.Load() {
		if s.code == code && s.flags == f && s.reporter == by {
			return s
		}
	}
	return e.add(by, code, f)
}

func (e *link) add(by reporter, code int, f flags) *series {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := *e.series.Load()
	for _, s := range known {
		if s.code == code && s.flags == f && s.reporter == by {
			return s
		}
	}
	m := e.metrics
	m.mu.Lock()
	full := m.series >= m.limit
	if !full {
		m.series++
	}
	m.mu.Unlock()
	if full {
		return nil
	}
	labels := e.labels(by, code, f)
	s := &series{code: code, flags: f, reporter: by,
		requests: m.requests.WithLabelValues(labels...),
		duration: m.durations.WithLabelValues(labels...),
		received: m.received.WithLabelValues(labels...),
		sent:     m.sent.WithLabelValues(labels...),
	}
	next := append(known[:len(known):len(known)], s)
	e.series.Store(&next)
	return s
}

// labels returns the values for labelNames. The lab has no mutual TLS. As in Istio, only the destination knows this for sure.
func (e *link) labels(by reporter, code int, f flags) []string {
	side, security := "source", unknown
	if by == byDestination {
		side, security = "destination", "none"
	}
	s, d := &e.source, &e.destination
	return []string{
		side,
		s.workload, s.namespace, s.principal, s.app, s.version, "Kubernetes", s.canonical, s.revision,
		d.workload, d.namespace, d.principal, d.app, d.version, e.service, e.name, e.namespace, "Kubernetes", d.canonical, d.revision,
		"http", strconv.Itoa(code), "", f.String(), security,
	}
}

// observe counts one request.
func (e *link) observe(by reporter, code int, f flags, took time.Duration, received, sent int64) {
	s := e.of(by, code, f)
	if s == nil {
		e.metrics.droppedSeries.Inc()
		return
	}
	s.requests.Inc()
	s.duration.Observe(float64(took) / float64(time.Millisecond))
	s.received.Observe(float64(received))
	s.sent.Observe(float64(sent))
}
