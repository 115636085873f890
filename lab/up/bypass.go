package up

import (
	"fmt"
	"slices"
	"time"

	"github.com/hopline/hopline/lab/graph"
	"github.com/hopline/hopline/lab/traffic"
)

// How often the lab looks for programs that ignore their proxy, and how many requests one responds to before it counts as such.
const (
	bypassEvery = 5 * time.Second
	bypassAfter = 20
)

// bypassing returns those of some workloads, namespace/name, that ignore their proxy: the overlay configures calls of theirs, they have
// responded to bypassAfter requests, and they have sent none through the proxy.
func bypassing(workloads []string, g *graph.Graph, edges []traffic.Edge) (names []string) {
	received, sent := map[string]uint64{}, map[string]bool{}
	for _, e := range edges {
		received[e.To.Namespace+"/"+e.To.Name] += e.Ever
		sent[e.From.Namespace+"/"+e.From.Name] = true
	}
	for _, name := range workloads {
		i := slices.IndexFunc(g.Nodes, func(n graph.Node) bool { return n.Kind == traffic.Workload && n.Namespace+"/"+n.Name == name })
		calls := i >= 0 && slices.ContainsFunc(g.Links, func(l graph.Link) bool { return l.From == g.Nodes[i].Service })
		if calls && received[name] >= bypassAfter && !sent[name] {
			names = append(names, name)
		}
	}
	return names
}

// warnOfBypass prints each workload of a given program that ignores its proxy, once.
func (l *lab) warnOfBypass() {
	l.mu.Lock()
	e, g := l.active, l.edition.Graph
	l.mu.Unlock()
	for _, name := range bypassing(e.programs.Of(e.overlay), g, l.traffic.Edges(time.Now())) {
		line := fmt.Sprintf("%s has responded to %d requests and sent none through HTTP_PROXY, although its environment names Services: no rule applies to its calls", name, bypassAfter)
		if !slices.Contains(l.bypasses, line) {
			l.bypasses = append(l.bypasses, line)
			l.terminal.warn("%s", line)
		}
	}
}
