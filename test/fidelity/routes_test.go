package fidelity

import (
	"slices"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/overlay"
)

// TestGeneratedRoutes compares the engines on generated objects of the Gateway API, a quarter as many as of Istio's.
func TestGeneratedRoutes(t *testing.T) {
	b, err := newBench(standardWorld()+versionServices(), *envoyBinary)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	compared, disagreed := 0, 0
	for batch := uint64(0); compared < *pairs/4; batch++ {
		g := newGenerator(*seed<<20 + batch)
		sidecar := client
		if batch%4 == 3 {
			sidecar = visitor
		}
		var routes [services][]object
		var requests [services][requestsPerRules]request
		docs := []string{routeGateway, grant}
		for i := range services {
			routes[i] = g.httpRoutes(i)
			for _, r := range routes[i] {
				docs = append(docs, text(r))
			}
			for n := range requests[i] {
				requests[i][n] = g.routeRequest(routes[i], i, sidecar)
			}
		}
		if err := b.apply(docs); err != nil {
			t.Fatalf("batch %d: %v\n%s", batch, err, strings.Join(docs, "\n---\n"))
		}
		if err := b.from(sidecar); err != nil {
			t.Fatal(err)
		}
		compared += services * requestsPerRules
		for i, wrong := range b.disagreements(requests) {
			for _, r := range wrong {
				reportRoutes(t, b, routes[i], r)
				if disagreed++; disagreed >= 10 {
					t.Fatalf("%d disagreements among %d pairs: stopped here", disagreed, compared)
				}
			}
		}
	}
	t.Logf("%d pairs compared", compared)
}

// reportRoutes shrinks a disagreement and prints it.
func reportRoutes(t *testing.T, b *bench, routes []object, r request) {
	t.Helper()
	var last []string
	disagrees := func(all []object) bool {
		docs := []string{routeGateway, grant}
		for _, o := range all {
			docs = append(docs, text(o))
		}
		if b.apply(docs) != nil {
			return false
		}
		_, _, differ := b.both(r)
		if len(differ) > 0 {
			last = differ
		}
		return len(differ) > 0
	}
	if !disagrees(routes) {
		last = []string{"only among the other rules of its batch"}
	}
	for i := len(routes) - 1; i >= 0 && len(routes) > 1; i-- {
		if fewer := slices.Delete(slices.Clone(routes), i, i+1); disagrees(fewer) {
			routes = fewer
		}
	}
	if len(routes) == 1 && disagrees(routes) {
		routes = []object{shrink(routes[0], 60, func(o object) bool { return disagrees([]object{o}) })}
	}
	var docs []string
	for _, o := range routes {
		docs = append(docs, text(o))
	}
	t.Errorf("Istio and the lab disagree:\n%s%s\n  %s", strings.Join(docs, "---\n"), r.curl(), strings.Join(last, "\n  "))
}

// TestNoBlindSpotInRoutes checks that generated routes set each field of an HTTPRoute that the lab enforces.
func TestNoBlindSpotInRoutes(t *testing.T) {
	set := map[string]bool{}
	for seed := range uint64(300) {
		g := newGenerator(seed)
		for i := range services {
			for _, r := range g.httpRoutes(i) {
				fieldsOf("HTTPRoute", r["spec"], set)
			}
		}
	}
	for _, kind := range overlay.Fields() {
		if kind.Kind != "HTTPRoute" {
			continue
		}
		for _, f := range kind.Fields {
			path := strings.ReplaceAll(f.Path, "[]", "")
			below, ok := strings.CutPrefix(path, "spec.")
			header := strings.Contains(below, "HeaderModifier.set.") || strings.Contains(below, "HeaderModifier.add.") // fieldsOf takes these for maps
			if ok && f.Status == "enforced" && !set["HTTPRoute."+below] && !header && !strings.Contains(below, "backendRefs.filters") {
				t.Errorf("the lab enforces %s, and no generated route sets it", f.Path)
			}
		}
	}
}
