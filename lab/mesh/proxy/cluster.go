package proxy

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/zipkin"
)

// cluster is one caller's view of a mesh.Cluster: its hosts, the connections to them, and the limits on both.
type cluster struct {
	*mesh.Cluster
	caller   *caller
	statName string // of the cluster in spans
	born     time.Time
	noHost   *link // for the metrics of requests that reached no host

	hosts atomic.Pointer[hostSet]
	turn  atomic.Uint64 // round robin

	detector detector
	retries  atomic.Int32 // active retries

	mu          sync.Mutex // for the connections of all hosts, since the limits apply to the cluster
	connections int        // open or being opened
	pending     int        // requests without a connection
	requests    int        // requests with one
	closed      bool

	updating sync.Mutex // one update at a time
	current  *endpoints
	parts    map[string]*cluster // of a cluster with resolution NONE, by name
}

// hostSet holds the hosts that a balancer chooses from.
type hostSet struct {
	list  []*host
	fault string
}

// host is one endpoint of a cluster.
type host struct {
	endpoint
	cluster *cluster
	link    *link // for metrics
	remote  *zipkin.Endpoint
	hash    uint64 // of the address, for consistent hashing

	active  atomic.Int64 // requests, for least request
	outlier outlierState

	// under cluster.mu:
	idle    []*conn // the most recently used last
	open    int     // connections, those being opened too
	waiting []*waiter
	removed bool
}

func newCluster(c *caller, m *mesh.Cluster) *cluster {
	k := &cluster{Cluster: m, caller: c, statName: m.Name + ";", born: time.Now()}
	k.noHost = c.proxy.metrics.link(c, m, nil)
	k.turn.Store(rand.Uint64())
	k.hosts.Store(&hostSet{})
	return k
}

// update applies the endpoints that a state has for the cluster. Hosts that remain keep their connections and their outlier state. Requests
// look up the names of DNS clusters when they need them.
func (k *cluster) update(e *endpoints) {
	k.updating.Lock()
	defer k.updating.Unlock()
	if e == nil || e == k.current {
		return
	}
	k.current = e
	if e.names == nil {
		k.setHosts(e.list, e.fault)
	}
}

// setHosts replaces the hosts.
func (k *cluster) setHosts(list []endpoint, fault string) {
	old := k.hosts.Load()
	stays := make(map[string]*host, len(old.list))
	for _, h := range old.list {
		stays[h.address] = h
	}
	next := &hostSet{list: make([]*host, 0, len(list)), fault: fault}
	for _, e := range list {
		h := stays[e.address]
		if h == nil || !sameHost(&h.endpoint, &e) {
			h = &host{endpoint: e, cluster: k, hash: hashString(e.address), remote: remoteEndpoint(&e),
				link: k.caller.proxy.metrics.link(k.caller, k.Cluster, e.pod)}
		} else {
			delete(stays, e.address)
		}
		next.list = append(next.list, h)
	}
	k.hosts.Store(next)
	for _, h := range stays {
		h.remove()
	}
}

func sameHost(a, b *endpoint) bool {
	return a.port == b.port && (a.pod == b.pod || a.pod != nil && b.pod != nil && a.pod.Name == b.pod.Name && a.pod.who == b.pod.who)
}

// remove removes a host for good: it closes the idle connections now, the others when their requests end.
func (h *host) remove() {
	k := h.cluster
	k.mu.Lock()
	h.removed = true
	idle := h.idle
	h.idle = nil
	h.open -= len(idle)
	k.connections -= len(idle)
	k.mu.Unlock()
	h.forget()
	for _, c := range idle {
		c.Close()
	}
}

// close removes all hosts. Requests that hold the cluster may still open connections, which close with them.
func (k *cluster) close() {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	for _, h := range k.hosts.Load().list {
		h.remove()
	}
	k.updating.Lock()
	defer k.updating.Unlock()
	for _, p := range k.parts {
		p.close()
	}
	k.parts = nil
}
