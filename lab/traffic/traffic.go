package traffic

import (
	"sync"
	"time"

	"github.com/hopline/hopline/lab/mesh/proxy"
)

// Bounds of what is counted separately. All parts of a kind are from overlays, except the status code, which a service sets.
const (
	maxFlows = 10_000
	maxEdges = 3_000 // of up to 14 KiB
)

// Traffic counts the requests of a proxy. It is safe for concurrent use. A request of a known kind costs no allocation.
type Traffic struct {
	mu    sync.RWMutex
	kinds map[kind]*counters // the same counters as below, for a fast lookup
	flows map[Flow]*flow     // by a Flow without counts
	edges map[EdgeKey]*edge
	calls ring

	series *Series
}

// New returns a Traffic without requests.
func New() *Traffic {
	return &Traffic{kinds: map[kind]*counters{}, flows: map[Flow]*flow{}, edges: map[EdgeKey]*edge{}, series: newSeries(time.Now())}
}

// Access counts a request of the proxy.
func (t *Traffic) Access(a *proxy.Access) {
	k := kindOf(a)
	t.mu.RLock()
	c := t.kinds[k]
	t.mu.RUnlock()
	if c == nil {
		c = t.addKind(k, a)
	}
	if c.flow != nil {
		c.flow.add(a)
	}
	if c.edge != nil {
		c.edge.add(a, c.injected)
	}
	if c.line != nil {
		c.line.add(a)
	}
	t.calls.add(a, c)
}

// Series returns the figures over time.
func (t *Traffic) Series() *Series { return t.series }

// addKind returns the counters of a kind that is not in kinds.
func (t *Traffic) addKind(k kind, a *proxy.Access) *counters {
	c := newCounters(a)
	t.mu.Lock()
	defer t.mu.Unlock()
	c.flow = find(t.flows, flowOf(k), maxFlows, func() *flow { return new(flow) })
	c.edge = find(t.edges, c.key, maxEdges, newEdge)
	c.line = t.series.find(lineOf(a))
	if len(t.kinds) >= maxFlows {
		clear(t.kinds)
	}
	t.kinds[k] = c
	return c
}

// find returns the value of a key, and makes it for a new key; nil if there are as many as the bound already.
func find[K comparable, V any](values map[K]*V, key K, bound int, create func() *V) *V {
	v := values[key]
	if v == nil && len(values) < bound {
		v = create()
		values[key] = v
	}
	return v
}

// Forget drops the counters' links to a table that is no longer active. The counts are kept.
func (t *Traffic) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.kinds)
	t.series.forget(time.Now())
}
