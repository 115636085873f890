package proxy

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Ejection is an endpoint that one caller sends no requests to because outlier detection has ejected it. Other callers may still use it.
type Ejection struct {
	Caller    string    `json:"caller"`    // pod or gateway whose Envoy has ejected the endpoint,
	Workload  string    `json:"workload"`  // its workload
	Namespace string    `json:"namespace"` // and namespace
	Cluster   string    `json:"cluster"`   // mesh.Cluster.Name: "outbound|80|prod|core.hopline.svc.cluster.local"
	Pod       string    `json:"pod"`       // that is ejected; empty for the address of a ServiceEntry
	Address   string    `json:"address"`   // host:port
	Why       string    `json:"why"`       // "3 errors in a row"
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"` // when it is used again
	Times     int       `json:"times"` // how often this caller has ejected it, this time included
}

// Endpoint returns the ejected pod, or the address of an endpoint that is not a pod.
func (e *Ejection) Endpoint() string { return cmp.Or(e.Pod, e.Address) }

// ejections holds all active ejections and counts all there were. The metrics have the names of Envoy's statistics in Prometheus.
type ejections struct {
	report func(e Ejection, over bool) // may be nil
	active *prometheus.GaugeVec
	total  *prometheus.CounterVec

	mu  sync.Mutex
	now map[*host]Ejection
}

// ejectionLabels identify the caller of an ejection. They name the caller's workload, not its pod, so that a restart adds no series.
var ejectionLabels = []string{"namespace", "workload", "cluster_name"}

func newEjections(r prometheus.Registerer, report func(Ejection, bool)) *ejections {
	e := &ejections{
		report: report, now: map[*host]Ejection{},
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "envoy_cluster_outlier_detection_ejections_active",
			Help: "Endpoints that are ejected now, as Envoy's statistic of that name."}, ejectionLabels),
		total: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "envoy_cluster_outlier_detection_ejections_enforced_total",
			Help: "Ejections of endpoints, as Envoy's statistic of that name."}, ejectionLabels),
	}
	if r != nil {
		r.MustRegister(e.active, e.total)
	}
	return e
}

// add records an ejection.
func (e *ejections) add(h *host, what Ejection) {
	e.mu.Lock()
	e.now[h] = what
	e.mu.Unlock()
	labels := []string{what.Namespace, what.Workload, what.Cluster}
	e.active.WithLabelValues(labels...).Inc()
	e.total.WithLabelValues(labels...).Inc()
	if e.report != nil {
		e.report(what, false)
	}
}

// remove records that the ejection of a host is over: the host is used again, or it was removed.
func (e *ejections) remove(h *host, gone bool) {
	e.mu.Lock()
	what, known := e.now[h]
	delete(e.now, h)
	e.mu.Unlock()
	if !known {
		return
	}
	e.active.WithLabelValues(what.Namespace, what.Workload, what.Cluster).Dec()
	if e.report != nil && !gone {
		e.report(what, true)
	}
}

// Ejections returns the endpoints that are ejected now, ordered by caller, cluster and endpoint.
func (p *Proxy) Ejections() []Ejection {
	e := p.ejections
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]Ejection, 0, len(e.now))
	for _, what := range e.now {
		list = append(list, what)
	}
	slices.SortFunc(list, func(a, b Ejection) int {
		return cmp.Or(cmp.Compare(a.Caller, b.Caller), cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Endpoint(), b.Endpoint()))
	})
	return list
}
