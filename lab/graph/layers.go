package graph

import (
	"maps"
	"slices"

	"github.com/hopline/hopline/lab/traffic"
)

// layer sets the layer of each node: the length of the longest way to its service, along calls that close no cycle. Services are visited in
// the order of their names, and gateways first, so that cycles are cut at the same calls each time.
func (g *Graph) layer() {
	calls := map[string][]string{} // by service
	called, calling := map[string]bool{}, map[string]bool{}
	for _, l := range g.Links {
		if to, ok := g.Node(l.To); ok && to.Service != l.From {
			calls[l.From] = append(calls[l.From], to.Service)
			called[to.Service], calling[l.From] = true, true
		}
	}
	for _, to := range calls {
		slices.Sort(to)
	}
	order := acyclic(g.roots(called), calls)
	layers := map[string]int{}
	for _, service := range order {
		for _, to := range calls[service] {
			layers[to] = max(layers[to], layers[service]+1)
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		n.Layer, n.Alone = layers[n.Service], !called[n.Service] && !calling[n.Service]
	}
	g.sort()
}

// roots returns all services in the order in which acyclic visits them: gateways that nothing calls, other services that nothing calls, and
// then the rest.
func (g *Graph) roots(called map[string]bool) []string {
	rank := map[string]int{}
	for _, n := range g.Nodes {
		switch {
		case called[n.Service]:
			rank[n.Service] = 2
		case n.Kind != traffic.Gateway:
			rank[n.Service] = 1
		default:
			rank[n.Service] = 0
		}
	}
	services := slices.Sorted(maps.Keys(rank))
	slices.SortStableFunc(services, func(a, b string) int { return rank[a] - rank[b] })
	return services
}

// acyclic removes the calls that close a cycle, and returns the services so that each one is before those that it calls.
func acyclic(services []string, calls map[string][]string) []string {
	const (
		visiting = 1
		visited  = 2
	)
	state := map[string]int{}
	var order []string // reversed
	var visit func(string)
	visit = func(service string) {
		state[service] = visiting
		calls[service] = slices.DeleteFunc(calls[service], func(to string) bool {
			if state[to] == 0 {
				visit(to)
			}
			return state[to] == visiting
		})
		state[service] = visited
		order = append(order, service)
	}
	for _, service := range services {
		if state[service] == 0 {
			visit(service)
		}
	}
	slices.Reverse(order)
	return order
}
