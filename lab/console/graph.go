package console

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/graph"
	"github.com/hopline/hopline/lab/internal/histogram"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/traffic"
)

// Graph holds who calls whom. Its nodes, and their layers, depend only on the overlay.
type Graph struct {
	Why   string      `json:"why"` // why there is no traffic to show; empty if there is a mesh
	Nodes []GraphNode `json:"nodes"`
	Edges []GraphEdge `json:"edges"`
}

// GraphNode is a workload, a gateway, or a host outside of the overlay.
type GraphNode struct {
	ID        string          `json:"id"` // "hopline/middle-canary", "gateway istio-ingressgateway", "outside far.example"
	Kind      traffic.EndKind `json:"kind"`
	Namespace string          `json:"namespace"`
	Service   string          `json:"service"` // "hopline/middle": the versions of one service share it
	App       string          `json:"app"`     // "middle"
	Version   string          `json:"version"`
	Layer     int             `json:"layer"`
	Alone     bool            `json:"alone"` // the overlay configures no call from it or to it
	Replicas  int             `json:"replicas"`
	Ready     int             `json:"ready"`
	Ejected   int             `json:"ejected"` // pods that at least one caller has ejected
}

// GraphEdge is the traffic from a service to one node, over the last 10 to 15 seconds. The node with the ID "mesh" represents the caller's
// own proxy: it responded without an upstream.
type GraphEdge struct {
	ID         string     `json:"id"`
	From       string     `json:"from"`       // GraphNode.Service of the callers
	To         string     `json:"to"`         // GraphNode.ID, or "mesh"
	Configured bool       `json:"configured"` // the overlay names the call; without it, traffic shows it
	Callers    []string   `json:"callers"`    // IDs of the nodes that send requests now
	Rules      []EdgeRule `json:"rules"`
	PerSecond  float64    `json:"per_second"` // requests, without copies
	Requests   uint64     `json:"requests"`
	Errors     float64    `json:"errors"` // of them failed, from 0 to 1
	P50        float64    `json:"p50_ms"`
	P99        float64    `json:"p99_ms"`
	Tries      uint64     `json:"tries"`    // of the requests
	Copies     uint64     `json:"copies"`   // that rules mirror
	Denied     uint64     `json:"denied"`   // requests that a policy denied
	Injected   uint64     `json:"injected"` // requests that a rule's fault delayed or aborted
}

// EdgeRule is a rule that decides about requests of an edge. Its counts begin with this edition of the rules.
type EdgeRule struct {
	Object     string  `json:"object"`
	Name       string  `json:"name"`
	Callers    string  `json:"callers"`
	Configured float64 `json:"configured"` // the configured share of the rule's requests, from 0 to 1; 0: the rule does not send requests here
	Even       bool    `json:"even"`       // no weight configures the share
	Observed   float64 `json:"observed"`   // the share of those requests of the callers that an upstream got
	Low        float64 `json:"low"`        // of the 95 % confidence interval of Observed
	High       float64 `json:"high"`
	Requests   uint64  `json:"requests"` // to this node
	Of         uint64  `json:"of"`       // to all upstreams, by this rule, from the same callers
}

// meshID is the ID of the caller's own proxy as a destination.
const meshID = string(traffic.Mesh)

const plainWhy = "This overlay has no Istio object, so there is no mesh: no proxy counts requests. The graph shows the calls that the environment of the workloads configures."

// edgeID returns an identifier of an edge for addresses.
func edgeID(from, to string) string {
	h := fnv.New64a()
	h.Write([]byte(from + "\x00" + to)) // never fails
	return fmt.Sprintf("%016x", h.Sum64())
}

// graphOf returns the graph of an edition with the traffic of its edges.
func graphOf(edition Edition, edges []traffic.Edge, before map[traffic.EdgeKey]uint64) Graph {
	out := Graph{Nodes: []GraphNode{}, Edges: []GraphEdge{}}
	if edition.Graph == nil {
		return out
	}
	if edition.plain() {
		out.Why = plainWhy
	}
	for _, n := range edition.Graph.Nodes {
		out.Nodes = append(out.Nodes, GraphNode{ID: n.ID(), Kind: n.Kind, Namespace: n.Namespace, Service: n.Service, App: n.App, Version: n.Version, Layer: n.Layer, Alone: n.Alone})
	}
	b := newEdges(edition.Graph)
	for _, e := range edges {
		b.add(e, e.Ever-min(e.Ever, before[e.EdgeKey]))
	}
	out.Edges = b.list()
	return out
}

// withPods adds the state of the pods to the nodes.
func (g *Graph) withPods(workloads []Workload, ejections []proxy.Ejection) {
	for i := range g.Nodes {
		n := &g.Nodes[i]
		w := slices.IndexFunc(workloads, func(w Workload) bool { return w.Name == n.ID })
		if n.Kind != traffic.Workload || w < 0 {
			continue
		}
		n.Replicas, n.Ready = workloads[w].Replicas, workloads[w].Ready
		for _, p := range workloads[w].Pods {
			if slices.ContainsFunc(ejections, func(e proxy.Ejection) bool { return e.Pod == p.Name }) {
				n.Ejected++
			}
		}
	}
}

// edges puts the counts of callers and rules together by service and destination.
type edges struct {
	graph *graph.Graph
	byID  map[string]*sum
	order []string
	rules map[ruleKey]uint64 // requests that reached an upstream
}

// ruleKey identifies the requests of a service's callers that one rule decided.
type ruleKey struct{ from, object, rule, callers string }

// sum is an edge with what its figures are computed from.
type sum struct {
	GraphEdge
	traffic.Totals
	perSecond float64
	duration  *histogram.Histogram
}

func newEdges(g *graph.Graph) *edges {
	e := &edges{graph: g, byID: map[string]*sum{}, rules: map[ruleKey]uint64{}}
	for _, l := range g.Links {
		s := e.edge(l.From, l.To)
		s.Configured = true
		s.Rules = append(s.Rules, EdgeRule{Object: l.Object, Name: l.Rule, Callers: l.Callers, Configured: l.Configured, Even: l.Even})
	}
	return e
}

func (e *edges) edge(from, to string) *sum {
	id := edgeID(from, to)
	s := e.byID[id]
	if s == nil {
		s = &sum{GraphEdge: GraphEdge{ID: id, From: from, To: to, Callers: []string{}, Rules: []EdgeRule{}}, duration: histogram.New(histogram.Coarse)}
		e.byID[id] = s
		e.order = append(e.order, id)
	}
	return s
}

// add adds the traffic of one caller and rule. since is the number of requests since this edition of the rules. Traffic of a workload that
// the overlay no longer has is left out.
func (e *edges) add(t traffic.Edge, since uint64) {
	from, known := e.graph.Node(t.From.ID())
	_, reaches := e.graph.Node(t.To.ID())
	if !known || !reaches && t.To.Kind != traffic.Mesh || t.Requests+t.Copies+since == 0 {
		return
	}
	s := e.edge(from.Service, t.To.ID())
	s.Plus(t.Totals)
	s.perSecond += float64(t.Requests) / t.Window.Seconds()
	s.duration.Merge(t.Duration)
	if t.Requests+t.Copies > 0 && !slices.Contains(s.Callers, from.ID()) {
		s.Callers = append(s.Callers, from.ID())
	}
	if t.Object == "" || since == 0 {
		return
	}
	i := slices.IndexFunc(s.Rules, func(r EdgeRule) bool {
		return r.Object == t.Object && r.Callers == t.Callers && sameRule(r.Name, t.Rule)
	})
	if i < 0 {
		i = len(s.Rules)
		s.Rules = append(s.Rules, EdgeRule{Object: t.Object, Name: wholeRule(t.Rule), Callers: t.Callers})
	}
	r := &s.Rules[i]
	r.Requests += since
	if t.To.Kind != traffic.Mesh {
		e.rules[ruleKey{from.Service, r.Object, r.Name, r.Callers}] += since
	}
}

// wholeRule returns the name of a rule for that of one of its matches: "http[1]" for "http[1].match[0]", "rules[1]" for
// "rules[1].matches[0]".
func wholeRule(decided string) string {
	name, _, _ := strings.Cut(decided, ".match[")
	name, _, _ = strings.Cut(name, ".matches[")
	return name
}

// list returns the edges in a stable order.
func (e *edges) list() []GraphEdge {
	all := []GraphEdge{}
	for _, id := range e.order {
		s := e.byID[id]
		for i := range s.Rules {
			r := &s.Rules[i]
			if r.Of = e.rules[ruleKey{s.From, r.Object, r.Name, r.Callers}]; s.To == meshID {
				r.Of = 0
				continue
			}
			if r.Of > 0 {
				r.Observed = float64(r.Requests) / float64(r.Of)
			}
			r.Low, r.High = wilson(r.Requests, r.Of)
		}
		g := s.GraphEdge
		g.Requests, g.Tries, g.Copies, g.Denied, g.Injected = s.Totals.Requests, s.Totals.Tries, s.Totals.Copies, s.Totals.Denied, s.Totals.Injected
		g.PerSecond = s.perSecond
		if s.Totals.Requests > 0 {
			g.Errors = float64(s.Totals.Errors) / float64(s.Totals.Requests)
		}
		g.P50, g.P99 = milliseconds(s.duration.Percentile(50)), milliseconds(s.duration.Percentile(99))
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b GraphEdge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return all
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
