package up

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/graph"
	"github.com/hopline/hopline/lab/traffic"
)

// TestProgramsThatIgnoreTheirProxy are those that should call others, respond to requests, and send none.
func TestProgramsThatIgnoreTheirProxy(t *testing.T) {
	t.Parallel()
	end := func(name string) traffic.End {
		return traffic.End{Kind: traffic.Workload, Namespace: "shop", Name: name}
	}
	g := &graph.Graph{Links: []graph.Link{{From: "shop/page", To: "x"}, {From: "shop/quiet", To: "x"}, {From: "shop/idle", To: "x"}}}
	var edges []traffic.Edge
	for name, requests := range map[string]uint64{"page": 20, "quiet": 20, "idle": 19, "leaf": 50} {
		g.Nodes = append(g.Nodes, graph.Node{End: end(name), Service: "shop/" + name})
		edges = append(edges, traffic.Edge{EdgeKey: traffic.EdgeKey{From: traffic.End{Kind: traffic.Gateway}, To: end(name)}, Ever: requests})
	}
	edges = append(edges, traffic.Edge{EdgeKey: traffic.EdgeKey{From: end("page"), To: traffic.End{Kind: traffic.Mesh}}, Ever: 1})
	got := bypassing([]string{"shop/page", "shop/quiet", "shop/idle", "shop/leaf", "shop/gone"}, g, edges)
	if diff := cmp.Diff([]string{"shop/quiet"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := bypassing([]string{"shop/page"}, g, edges); got != nil {
		t.Errorf("%v, although no program of these is given", got)
	}
}
