package traffic

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/hopline/hopline/lab/internal/histogram"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

// Bounds of the window over which Edges counts: it ends now, and begins at the start of a slot.
const (
	slotTime = 5 * time.Second
	slots    = 3
)

// EndKind is the kind of an end of an edge.
type EndKind string

// The kinds.
const (
	Workload EndKind = "workload"
	Gateway  EndKind = "gateway"
	Outside  EndKind = "outside" // an address that no pod has
	Mesh     EndKind = "mesh"    // the caller's own proxy, which responded without an upstream
)

// End is one end of an edge: a caller or a responder.
type End struct {
	Kind      EndKind
	Namespace string // of a workload or gateway
	Name      string // "middle-canary", "istio-ingressgateway", or an outside host; empty for Mesh
}

// EdgeKey identifies an edge: the requests from one end to another that one rule decided.
type EdgeKey struct {
	From, To End
	Object   string // as in Flow; empty for copies
	Rule     string
	Callers  string
}

// Edge counts the requests of an edge over the last 10 to 15 seconds.
type Edge struct {
	EdgeKey
	Totals
	Window   time.Duration        // over which Totals and Duration count
	Duration *histogram.Histogram // of the requests
	Ever     uint64               // requests since the lab started, without copies
}

// Totals counts requests over some time.
type Totals struct {
	Requests uint64 // without copies
	Errors   uint64 // of them failed: no response, or a status of 500 or above
	Tries    uint64 // of the requests; a request to which the mesh responded itself has none
	Denied   uint64 // of the requests: by an AuthorizationPolicy
	Injected uint64 // of the requests: delayed or aborted by a rule's fault
	Copies   uint64 // that a rule mirrors
}

func (t *Totals) add(a *proxy.Access, injected bool) {
	if a.Copy {
		t.Copies++
		return
	}
	t.Requests++
	t.Tries += uint64(max(0, a.Attempts))
	if failed(a.Status) {
		t.Errors++
	}
	if a.Denied {
		t.Denied++
	}
	if injected {
		t.Injected++
	}
}

// Plus adds other counts.
func (t *Totals) Plus(o Totals) {
	t.Requests += o.Requests
	t.Errors += o.Errors
	t.Tries += o.Tries
	t.Denied += o.Denied
	t.Injected += o.Injected
	t.Copies += o.Copies
}

// edge holds the counters of one kind of edge.
type edge struct {
	mu    sync.Mutex
	slots [slots]slot
	since time.Time // when it was made
	ever  uint64
}

// slot counts the requests of one slotTime.
type slot struct {
	number int64 // of the slot since 1970
	Totals
	duration *histogram.Histogram
}

func newEdge() *edge {
	e := &edge{since: time.Now()}
	for i := range e.slots {
		e.slots[i].duration = histogram.New(histogram.Coarse)
	}
	return e
}

// slotNumber returns the number of the slot that a moment belongs to.
func slotNumber(at time.Time) int64 { return at.UnixNano() / int64(slotTime) }

func (e *edge) add(a *proxy.Access, injected bool) {
	number := slotNumber(a.Start.Add(a.Duration))
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &e.slots[number%slots]
	if s.number < number {
		s.duration.Reset()
		s.number, s.Totals = number, Totals{}
	}
	if s.number == number {
		s.add(a, injected)
		if !a.Copy {
			s.duration.Add(a.Duration)
		}
	}
	if !a.Copy {
		e.ever++
	}
}

// read returns the counts at a moment.
func (e *edge) read(now time.Time) Edge {
	number := slotNumber(now)
	out := Edge{Duration: histogram.New(histogram.Coarse)}
	e.mu.Lock()
	defer e.mu.Unlock()
	begin := time.Unix(0, (number-slots+1)*int64(slotTime))
	if e.since.After(begin) {
		begin = e.since
	}
	for i := range e.slots {
		if s := &e.slots[i]; s.number > number-slots && s.number <= number {
			out.Plus(s.Totals)
			out.Duration.Merge(s.duration)
		}
	}
	out.Ever, out.Window = e.ever, max(time.Second, now.Sub(begin))
	return out
}

// Edges returns the edges at a moment, in a stable order.
func (t *Traffic) Edges(now time.Time) []Edge {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]Edge, 0, len(t.edges))
	for key, counts := range t.edges {
		one := counts.read(now)
		one.EdgeKey = key
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b Edge) int { return a.EdgeKey.compare(b.EdgeKey) })
	return all
}

func (k EdgeKey) compare(o EdgeKey) int {
	return cmp.Or(k.From.compare(o.From), k.To.compare(o.To), cmp.Compare(k.Object, o.Object), cmp.Compare(k.Rule, o.Rule), cmp.Compare(k.Callers, o.Callers))
}

func (e End) compare(o End) int {
	return cmp.Or(cmp.Compare(e.Kind, o.Kind), cmp.Compare(e.Namespace, o.Namespace), cmp.Compare(e.Name, o.Name))
}

// edgeKeyOf returns the edge of a request. It ends where the last try went, or at the mesh if there was none.
func edgeKeyOf(a *proxy.Access) EdgeKey {
	key := EdgeKey{From: endOf(a.Source), To: End{Kind: Mesh}}
	if a.Route != nil {
		key.Object, key.Rule, key.Callers = a.Route.Object, a.Route.Rule, a.Route.Callers
	}
	switch {
	case a.By != nil:
		key.To = endOf(a.By)
	case a.Upstream == "" || a.Cluster == nil:
	case a.Cluster.Gateway != "":
		gateway, _ := mesh.BuiltInGateway(a.Cluster.Gateway)
		key.To = endOf(&gateway)
	default:
		key.To = End{Kind: Outside, Name: a.Cluster.Host}
	}
	return key
}

func endOf(s *mesh.Source) End {
	if s.Gateway {
		return End{Gateway, s.Namespace, s.Workload}
	}
	return End{Workload, s.Namespace, s.Workload}
}

// ID returns a name of the end that no other end has: "hopline/middle-canary", "gateway istio-ingressgateway", "outside far.example", "mesh".
func (e End) ID() string {
	switch e.Kind {
	case Workload:
		return e.Namespace + "/" + e.Name
	case Mesh:
		return string(Mesh)
	}
	return string(e.Kind) + " " + e.Name
}
