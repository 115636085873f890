package graph

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t *testing.T, dir string) *Graph {
	t.Helper()
	o, table, err := mesh.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return New(o, table)
}

// layersOf lists the services by layer, without those that are alone.
func layersOf(g *Graph) (layers [][]string) {
	for _, n := range g.Nodes {
		for n.Layer >= len(layers) {
			layers = append(layers, nil)
		}
		if !n.Alone && !slices.Contains(layers[n.Layer], n.Service) {
			layers[n.Layer] = append(layers[n.Layer], n.Service)
		}
	}
	return layers
}

func layersOfCanary(t *testing.T, g *Graph) {
	t.Helper()
	want := [][]string{
		{"gateway istio-ingressgateway"},
		{"hopline/bounced", "hopline/front", "hopline/minimal"},
		{"hopline/middle"},
		{"hopline/core"},
		{"hopline-outside/worldtimeapi", "hopline/clock"},
	}
	if diff := cmp.Diff(want, layersOf(g)); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	var links []string
	for _, l := range g.Links {
		if l.From == "hopline/front" || l.From == "hopline/core" {
			links = append(links, fmt.Sprintf("%s > %s by %s %s: %g %t", l.From, l.To, l.Object, l.Rule, l.Configured, l.Even))
		}
	}
	if diff := cmp.Diff([]string{
		"hopline/core > hopline-outside/worldtimeapi by ServiceEntry hopline/worldtimeapi default: 1 false",
		"hopline/core > hopline/clock by Service hopline/clock default: 1 false",
		"hopline/front > hopline/middle-canary by VirtualService hopline/middle everybody: 0.2 false",
		"hopline/front > hopline/middle-dev by VirtualService hopline/middle beta: 1 false",
		"hopline/front > hopline/middle-prod by VirtualService hopline/middle everybody: 0.8 false",
	}, links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

// layersOfEgress: the calls of core to the outside pass the egress gateway.
func layersOfEgress(t *testing.T, g *Graph) {
	t.Helper()
	layers := layersOf(g)
	at := func(service string) int {
		return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, service) })
	}
	core, egress, outside := at("hopline/core"), at("gateway istio-egressgateway"), at("hopline-outside/worldtimeapi")
	if core < 0 || egress <= core || outside <= egress {
		t.Errorf("core is in layer %d, the egress gateway in %d, worldtimeapi in %d: %v", core, egress, outside, layers)
	}
}

// TestEveryShippedOverlay: each link names known nodes, the shares of a rule add up to 1, and two runs give the same graph. Rendering an overlay
// is slow, so all checks of one are together.
func TestEveryShippedOverlay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"canary", "prod", "dev", "beta", "stress", "retry", "split", "egress", "outlier", "plain"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, table, err := mesh.Load(shipped.Overlay(t, name))
			if err != nil {
				t.Fatal(err)
			}
			g := New(o, table)
			sums := map[string]float64{}
			for _, l := range g.Links {
				_, known := g.Node(l.To)
				if !known && l.To != "mesh" {
					t.Errorf("a link to %s, which is not a node", l.To)
				}
				sums[fmt.Sprint(l.From, l.Object, l.Rule, l.Callers)] += l.Configured
			}
			for rule, sum := range sums {
				if sum < 1-1e-9 || sum > 1+1e-9 {
					t.Errorf("%s: the shares add up to %v, want 1", rule, sum)
				}
			}
			if table, err = mesh.Compile(o); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g.Nodes, New(o, table).Nodes); diff != "" {
				t.Errorf("the same overlay gives another graph:\n%s", diff)
			}
			if len(g.Links) == 0 {
				t.Error("no calls at all")
			}
			switch name {
			case "canary":
				layersOfCanary(t, g)
				scalingChangesNothing(t, o, table)
			case "egress":
				layersOfEgress(t, g)
			}
		})
	}
}

// TestCycle: services that call each other get layers, the same each time.
func TestCycle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var text strings.Builder
	text.WriteString("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---")
	for name, calls := range map[string]string{"a": "b", "b": "c", "c": "a", "lonely": ""} {
		env := ""
		if calls != "" {
			env = fmt.Sprintf(", env: [{name: NEXT, value: \"%s:8080\"}]", calls)
		}
		fmt.Fprintf(&text, `
apiVersion: v1
kind: Service
metadata: {name: %[1]s, namespace: shop}
spec: {selector: {app: %[1]s}, ports: [{name: http, port: 8080, targetPort: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: shop}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec: {containers: [{name: app, image: middle, ports: [{name: http, containerPort: 8080}]%[2]s}]}
---
`, name, env)
	}
	for name, text := range map[string]string{"kustomization.yaml": "resources: [all.yaml]\n", "all.yaml": text.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g := load(t, dir)
	if diff := cmp.Diff([][]string{{"shop/a"}, {"shop/b"}, {"shop/c"}}, layersOf(g)); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	if n, ok := g.Node("shop/lonely"); !ok || !n.Alone {
		t.Errorf("got %+v, want a node without calls", n)
	}
}

// scalingChangesNothing: with all workloads scaled to zero the graph has the same nodes in the same layers, and the same calls.
func scalingChangesNothing(t *testing.T, o *overlay.Overlay, table *mesh.Table) {
	t.Helper()
	before := New(o, table)
	for i := range o.Deployments {
		o.Deployments[i].Replicas = 0
	}
	after := New(o, table)
	if diff := cmp.Diff(before.Nodes, after.Nodes); diff != "" {
		t.Errorf("nodes (-before +after):\n%s", diff)
	}
	calls := func(g *Graph) (calls []string) {
		for _, l := range g.Links {
			calls = append(calls, l.From+" > "+l.To)
		}
		return calls
	}
	if diff := cmp.Diff(calls(before), calls(after)); diff != "" {
		t.Errorf("calls (-before +after):\n%s", diff)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]target{
		"http://middle":                   {"middle", 80, "/"},
		"http://middle/hops?x=1":          {"middle", 80, "/hops"},
		"http://clock.hopline:8080/time":  {"clock.hopline:8080", 8080, "/time"},
		"productcatalog:3550":             {"productcatalog:3550", 3550, "/"},
		"https://middle":                  {},
		"100ms":                           {},
		"/jaeger/trace/{traceID}":         {},
		"http://%zz":                      {},
		"0.25":                            {},
		"localhost:5001/hopline/core:dev": {},
	} {
		got, ok := parseTarget(value)
		if got != want || ok != (want != target{}) {
			t.Errorf("%q: got %+v, %t, want %+v", value, got, ok, want)
		}
	}
}

// TestLinksOfSeveralRoutes: all HTTPRoutes of a host configure calls to it, not only the one that a request for its address meets.
func TestLinksOfSeveralRoutes(t *testing.T) {
	t.Parallel()
	const another = `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: slow-pages, namespace: hopline}
spec:
  parentRefs: [{group: "", kind: Service, name: middle}]
  rules: [{name: slow, matches: [{path: {value: /slow}}], backendRefs: [{name: middle-dev, port: 80}]}]
`
	dir := shipped.Edited(t, "gateway-api", "middle.yaml", func(text string) string { return text + another })
	var links []string
	for _, l := range load(t, dir).Links {
		if l.From == "hopline/front" {
			links = append(links, fmt.Sprintf("%s by %s %s: %g", l.To, l.Object, l.Rule, l.Configured))
		}
	}
	slices.Sort(links)
	if diff := cmp.Diff([]string{
		"hopline/middle-canary by HTTPRoute hopline/middle everybody: 0.2",
		"hopline/middle-dev by HTTPRoute hopline/middle beta: 1",
		"hopline/middle-dev by HTTPRoute hopline/slow-pages slow: 1",
		"hopline/middle-prod by HTTPRoute hopline/middle everybody: 0.8",
	}, links); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}
