package traffic

import (
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/lab/mesh/proxy"
)

// Flow counts the requests of one kind: decided by one rule, sent to one workload, with one status code.
type Flow struct {
	Object    string // the rule's object as mesh.Route has it: "VirtualService hopline/middle"; empty where no rule matched the request
	Rule      string // mesh.Route.Rule: "everybody", "http[1].match[0]"
	Callers   string // mesh.Route.Callers
	Namespace string // of the workload that responded; empty where none did
	Workload  string // "middle-canary"
	App       string // "middle"; the requested host where no workload responded
	Version   string // "canary"
	Code      int    // HTTP status; 0 where the caller got no response
	Copy      bool   // they are copies that a rule mirrors: they count for the workload, not for the rule, and Object is empty
	Flags     string // Envoy's response flags, "-" for none
	Requests  uint64
	Seconds   float64 // sum of their durations
}

// Failed reports whether the requests of the flow failed: they got no response, or a status of 500 or above.
func (f *Flow) Failed() bool { return failed(f.Code) }

func failed(code int) bool { return code == 0 || code >= 500 }

// flow holds the counters of one kind of request.
type flow struct{ requests, nanoseconds atomic.Uint64 }

func (f *flow) add(a *proxy.Access) {
	f.requests.Add(1)
	f.nanoseconds.Add(uint64(max(0, a.Duration)))
}

// flowOf returns the Flow of a kind of requests, without counts.
func flowOf(e kind) Flow {
	kind := Flow{Code: e.code, Copy: e.copy, Flags: e.flags}
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

// Flows returns the requests counted so far. Counts of a flow never fall.
func (t *Traffic) Flows() []Flow {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]Flow, 0, len(t.flows))
	for kind, counts := range t.flows {
		kind.Requests = counts.requests.Load()
		kind.Seconds = time.Duration(counts.nanoseconds.Load()).Seconds()
		all = append(all, kind)
	}
	return all
}
