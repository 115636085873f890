package graph

import (
	"cmp"
	"slices"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/traffic"
)

// Graph holds the nodes of an overlay, and the calls that it configures.
type Graph struct {
	Nodes []Node // ordered by layer, service and version
	Links []Link // ordered by caller and destination

	byID map[string]int // index in Nodes
}

// Node is a workload, a gateway, or a host outside of the overlay.
type Node struct {
	traffic.End
	Service string // the versions of one service share it: "hopline/middle"; the ID of a node that is not a workload
	App     string // "middle": its name without the namespace
	Version string // "canary"; empty without one
	Layer   int    // 0 for a service that nothing calls; a caller's layer is below that of the service that it calls, except in a cycle
	Alone   bool   // the overlay configures no call from it or to it
}

// Link is a call that the overlay configures: from a service to one node, by one rule.
type Link struct {
	From   string // Node.Service of the caller
	To     string // Node.ID, or that of traffic.Mesh: nothing backs the destination
	Object string // as in mesh.Rule: "VirtualService hopline/middle"; "Service hopline/clock" for a default route
	Rule   string // the rule's name or place; "default" for a default route
	// Callers names the callers of the rule, if its shares differ by caller; see mesh.Rule.
	Callers    string
	Configured float64 // the share of the rule's requests, from 0 to 1
	Even       bool    // no weight configures the share: ready pods share a destination evenly

	from, to traffic.End
}

// New returns the graph of an overlay with its table.
func New(o *overlay.Overlay, t *mesh.Table) *Graph {
	g := &Graph{byID: map[string]int{}}
	for _, d := range o.Deployments {
		end := traffic.End{Kind: traffic.Workload, Namespace: d.Namespace, Name: d.Name}
		g.add(Node{End: end, Service: serviceOf(d), App: appOf(d), Version: d.Pod.Labels["version"]})
	}
	g.Links = links(o, t)
	for _, l := range g.Links {
		g.addEnd(l.from)
		g.addEnd(l.to)
	}
	g.layer()
	return g
}

func appOf(d overlay.Deployment) string { return cmp.Or(d.Pod.Labels["app"], d.Name) }

func serviceOf(d overlay.Deployment) string { return d.Namespace + "/" + appOf(d) }

// add adds a node, unless it is known.
func (g *Graph) add(n Node) {
	if _, known := g.byID[n.ID()]; !known {
		g.byID[n.ID()] = len(g.Nodes)
		g.Nodes = append(g.Nodes, n)
	}
}

// addEnd adds a gateway or an outside host that a link names.
func (g *Graph) addEnd(e traffic.End) {
	if e.Kind == traffic.Gateway || e.Kind == traffic.Outside {
		g.add(Node{End: e, Service: e.ID(), App: e.Name})
	}
}

// Node returns the node with an ID.
func (g *Graph) Node(id string) (Node, bool) {
	i, ok := g.byID[id]
	if !ok {
		return Node{}, false
	}
	return g.Nodes[i], true
}

// sort orders the nodes, and the links.
func (g *Graph) sort() {
	slices.SortFunc(g.Nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Version, b.Version), cmp.Compare(a.ID(), b.ID()))
	})
	for i, n := range g.Nodes {
		g.byID[n.ID()] = i
	}
	slices.SortStableFunc(g.Links, func(a, b Link) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
}
