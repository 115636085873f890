package up

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/lab/console"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

// maxFlows bounds the number of kinds of requests that are counted separately. All parts of a kind are from overlays, except the code,
// which a service sets.
const maxFlows = 10_000

// flows counts the mesh's requests by rule and responder, for the console.
type flows struct {
	mu    sync.RWMutex
	kinds map[console.Flow]*flow // by kind: a Flow without counts
	seen  map[encounter]*flow    // the same counters, for a fast lookup
}

// flow holds the counters of one kind of request.
type flow struct{ requests, nanoseconds atomic.Uint64 }

// encounter is the key of the fast lookup. Comparing pointers is ten times faster than comparing the names behind them.
type encounter struct {
	route   *mesh.Route
	cluster *mesh.Cluster
	by      *mesh.Source
	code    int
	copy    bool
	flags   string
}

func newFlows() *flows {
	return &flows{kinds: map[console.Flow]*flow{}, seen: map[encounter]*flow{}}
}

// access counts a request of the proxy.
func (f *flows) access(a *proxy.Access) {
	e := encounter{a.Route, a.Cluster, a.By, a.Status, a.Copy, a.Flags}
	f.mu.RLock()
	counts := f.seen[e]
	f.mu.RUnlock()
	if counts == nil {
		if counts = f.meet(e); counts == nil {
			return
		}
	}
	counts.requests.Add(1)
	counts.nanoseconds.Add(uint64(max(0, a.Duration)))
}

// meet returns the counters of an encounter that is not in seen; nil if there are too many kinds.
func (f *flows) meet(e encounter) *flow {
	kind := e.kind()
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := f.kinds[kind]
	if counts == nil {
		if len(f.kinds) >= maxFlows {
			return nil
		}
		counts = &flow{}
		f.kinds[kind] = counts
	}
	if len(f.seen) >= maxFlows {
		clear(f.seen)
	}
	f.seen[e] = counts
	return counts
}

func (e encounter) kind() console.Flow {
	kind := console.Flow{Code: e.code, Copy: e.copy, Flags: e.flags}
	if e.route != nil {
		kind.Object, kind.Rule, kind.Callers = e.route.Object, e.route.Rule, e.route.Callers
	}
	if e.cluster != nil {
		kind.App = e.cluster.Host
	}
	if e.by != nil {
		kind.Namespace, kind.Workload, kind.App, kind.Version = e.by.Namespace, e.by.Workload, e.by.Labels["app"], e.by.Labels["version"]
	}
	return kind
}

// forget drops the pointers into a table that is no longer active. The counts are kept.
func (f *flows) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.seen)
}

// all returns the counts so far.
func (f *flows) all() []console.Flow {
	f.mu.RLock()
	defer f.mu.RUnlock()
	all := make([]console.Flow, 0, len(f.kinds))
	for kind, counts := range f.kinds {
		kind.Requests = counts.requests.Load()
		kind.Seconds = time.Duration(counts.nanoseconds.Load()).Seconds()
		all = append(all, kind)
	}
	return all
}
