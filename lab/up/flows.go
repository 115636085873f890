package up

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/lab/console"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

// maxFlows bounds the kinds of requests that are counted apart. Every part of the key comes from the overlay, except the code.
const maxFlows = 10_000

// flows counts the mesh's requests by what decided them and who answered, for the console.
type flows struct {
	mu   sync.RWMutex
	byID map[console.Flow]*flow // the key's counts are zero
}

type flow struct {
	requests, nanoseconds atomic.Uint64
}

func newFlows() *flows { return &flows{byID: map[console.Flow]*flow{}} }

// access counts a request of the proxy's.
func (f *flows) access(a *proxy.Access) {
	key := console.Flow{Code: a.Status}
	if a.Route != nil {
		key.Object, key.Rule = a.Route.Object, a.Route.Rule
	}
	if a.Cluster != nil {
		key.App = a.Cluster.Host
	}
	if by := a.By; by != nil {
		key.Namespace, key.Workload, key.App, key.Version = by.Namespace, by.Workload, by.Labels["app"], by.Labels["version"]
	}
	f.add(key, a.Duration)
}

// add counts one request; the counts in key are zero.
func (f *flows) add(key console.Flow, took time.Duration) {
	f.mu.RLock()
	counts := f.byID[key]
	f.mu.RUnlock()
	if counts == nil {
		counts = f.make(key)
	}
	if counts != nil {
		counts.requests.Add(1)
		counts.nanoseconds.Add(uint64(max(0, took)))
	}
}

func (f *flows) make(key console.Flow) *flow {
	f.mu.Lock()
	defer f.mu.Unlock()
	if counts := f.byID[key]; counts != nil {
		return counts
	}
	if len(f.byID) >= maxFlows {
		return nil
	}
	counts := &flow{}
	f.byID[key] = counts
	return counts
}

// all is what was counted so far.
func (f *flows) all() []console.Flow {
	f.mu.RLock()
	defer f.mu.RUnlock()
	all := make([]console.Flow, 0, len(f.byID))
	for key, counts := range f.byID {
		key.Requests = counts.requests.Load()
		key.Seconds = time.Duration(counts.nanoseconds.Load()).Seconds()
		all = append(all, key)
	}
	return all
}
