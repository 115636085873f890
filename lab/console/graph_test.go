package console

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/hopline/hopline/lab/graph"
	"github.com/hopline/hopline/lab/internal/shipped/loaded"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/traffic"
)

// editionOf returns the edition of a shipped overlay.
func editionOf(t *testing.T, name string) Edition {
	t.Helper()
	o, table := loaded.Overlay(t, name)
	return Edition{Name: name, Revision: 1, Overlay: o, Table: table, Graph: graph.New(o, table)}
}

// sourceOf returns a workload of the namespace hopline as a source.
func sourceOf(app, version string) *mesh.Source {
	return &mesh.Source{Namespace: "hopline", Workload: app + "-" + version, Labels: map[string]string{"app": app, "version": version}}
}

// sendTo returns a request by the rule everybody of middle in canary.
func sendTo(from *mesh.Source, version string) *proxy.Access {
	a := &proxy.Access{
		Source: from, Start: time.Now(), Duration: 20 * time.Millisecond, Status: 200, Attempts: 1, Flags: "-",
		Route:  &mesh.Route{Object: "VirtualService hopline/middle", Rule: "everybody"},
		Method: "GET", Scheme: "http", Authority: "middle", Port: 80, Path: "/hops", TraceID: traceID,
	}
	if version != "" {
		a.By, a.Upstream = sourceOf("middle", version), "127.0.0.1:1"
	}
	return a
}

func edgeOf(t *testing.T, g Graph, from, to string) GraphEdge {
	t.Helper()
	for _, e := range g.Edges {
		if e.From == from && e.To == to {
			return e
		}
	}
	t.Fatalf("no edge from %s to %s in %+v", from, to, g.Edges)
	return GraphEdge{}
}

func TestGraph(t *testing.T) {
	t.Parallel()
	source := &lab{edition: editionOf(t, "canary"), traffic: traffic.New(),
		deployments: []workload.Deployment{{Name: "hopline/middle-prod", Replicas: 2, Ready: 1}},
		pods:        []workload.Status{pod("hopline/middle-prod", "middle", "prod", workload.Ready)},
		ejections:   []proxy.Ejection{{Caller: "front-1", Pod: "hopline/middle-prod-1"}, {Caller: "front-2", Pod: "hopline/middle-prod-1"}},
	}
	c := New(source, nil, Driving{})
	amber, blue := sourceOf("front", "amber"), sourceOf("front", "blue")
	source.traffic.Access(sendTo(amber, "prod")) // before the edition
	state := func() (s State) {
		t.Helper()
		if err := json.Unmarshal(c.observe(time.Now()), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	state()
	for range 60 {
		source.traffic.Access(sendTo(amber, "prod"))
	}
	for i := range 20 {
		a := sendTo(blue, "canary")
		if i < 5 {
			a.Status, a.Attempts = 500, 3
		}
		source.traffic.Access(a)
	}
	failed := sendTo(blue, "")
	failed.Status, failed.Flags, failed.Attempts = 503, "UH", 0
	source.traffic.Access(failed)
	copied := sendTo(amber, "dev")
	copied.Copy, copied.Route = true, nil
	source.traffic.Access(copied)

	g := state().Graph
	prod, canary := edgeOf(t, g, "hopline/front", "hopline/middle-prod"), edgeOf(t, g, "hopline/front", "hopline/middle-canary")
	dev, own := edgeOf(t, g, "hopline/front", "hopline/middle-dev"), edgeOf(t, g, "hopline/front", "mesh")
	low, high := wilson(60, 80)
	want := []EdgeRule{{Object: "VirtualService hopline/middle", Name: "everybody", Configured: 0.8, Observed: 0.75, Low: low, High: high, Requests: 60, Of: 80}}
	if diff := cmp.Diff(want, prod.Rules, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("rules of prod (-want +got):\n%s", diff)
	}
	if prod.Requests != 61 || prod.Errors != 0 || prod.P50 < 20 || prod.P50 > 21 || !cmp.Equal(prod.Callers, []string{"hopline/front-amber"}) || !prod.Configured {
		t.Errorf("prod: %+v", prod)
	}
	if canary.Requests != 20 || canary.Errors != 0.25 || canary.Tries != 30 || canary.Rules[0].Observed != 0.25 {
		t.Errorf("canary: %+v", canary)
	}
	if dev.Copies != 1 || dev.Requests != 0 || dev.Rules[0].Name != "beta" || dev.Rules[0].Requests != 0 || dev.Rules[0].High != 1 {
		t.Errorf("dev: %+v", dev)
	}
	if own.Requests != 1 || own.Errors != 1 || own.Tries != 0 || own.Configured || own.Rules[0].Name != "everybody" || own.Rules[0].Of != 0 {
		t.Errorf("the mesh itself: %+v", own)
	}
	for _, n := range g.Nodes {
		if n.ID == "hopline/middle-prod" && (n.Replicas != 2 || n.Ready != 1 || n.Ejected != 1 || n.Layer != 2 || n.Service != "hopline/middle") {
			t.Errorf("middle-prod: %+v", n)
		}
	}
	if g.Why != "" {
		t.Errorf("with a mesh the graph says %q", g.Why)
	}
	source.set(func(l *lab) { l.edition.Revision++ })
	if r := edgeOf(t, state().Graph, "hopline/front", "hopline/middle-prod").Rules[0]; r.Requests != 0 || r.Of != 0 {
		t.Errorf("with a new edition of the rules %+v is counted", r)
	}
}

// TestGraphOfPlain: an overlay without a mesh has a graph of its configured calls, and says why it has no traffic.
func TestGraphOfPlain(t *testing.T) {
	t.Parallel()
	g := graphOf(editionOf(t, "plain"), nil, nil)
	if !strings.Contains(g.Why, "no Istio object") || len(g.Edges) == 0 {
		t.Errorf("got %q with %d edges, want the reason and the configured calls", g.Why, len(g.Edges))
	}
}

func TestEdgeDetail(t *testing.T) {
	t.Parallel()
	source := &lab{edition: editionOf(t, "canary"), traffic: traffic.New()}
	_, url, _ := serve(t, source)
	for range 3 {
		source.traffic.Access(sendTo(sourceOf("front", "amber"), "prod"))
	}
	source.traffic.Access(sendTo(sourceOf("front", "amber"), "canary"))
	denied := sendTo(sourceOf("front", "amber"), "prod")
	denied.Status, denied.Denied = 403, true
	source.traffic.Access(denied)

	code, body := get(t, url+"/api/edges/"+edgeID("hopline/front", "hopline/middle-prod"))
	var d EdgeDetail
	if err := json.Unmarshal([]byte(body), &d); err != nil || code != 200 {
		t.Fatalf("%d %v: %s", code, err, body)
	}
	if len(d.Rules) != 1 || d.Rules[0].Name != "everybody" || !strings.HasSuffix(d.Rules[0].File, "middle.yaml") || d.Rules[0].Line == 0 ||
		!strings.HasPrefix(d.Rules[0].Text, "    - name: everybody\n      route:\n") || !strings.Contains(d.Rules[0].Text, "weight: 20") {
		t.Errorf("the rules are %+v", d.Rules)
	}
	var calls []string
	for _, c := range d.Calls {
		calls = append(calls, fmt.Sprintf("%d %s %s %s%s %d %q %s", c.Number, c.From, c.Method, c.Authority, c.Path, c.Status, c.Why, c.Trace))
	}
	want := []string{
		`5 hopline/front-amber GET middle/hops 403 "denied by an AuthorizationPolicy" ` + traceID,
		`3 hopline/front-amber GET middle/hops 200 "" ` + traceID,
		`2 hopline/front-amber GET middle/hops 200 "" ` + traceID,
		`1 hopline/front-amber GET middle/hops 200 "" ` + traceID,
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	code, body = get(t, url+"/api/edges/"+edgeID("hopline/core", "hopline/clock"))
	if !strings.Contains(body, "kind: Service") || !strings.Contains(body, `"calls":[]`) || code != 200 {
		t.Errorf("the default route of clock: %d %s", code, body)
	}
	if code, body := get(t, url+"/api/edges/nonsense"); code != 404 || !strings.Contains(body, `{"error":"edge: want the id of one of the graph's edges, got \"nonsense\""}`) {
		t.Errorf("an invalid edge: %d %s", code, body)
	}
}

// TestWilson checks some values of the interval, and its properties.
func TestWilson(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		k, n      uint64
		low, high float64
	}{{0, 0, 0, 1}, {0, 10, 0, 0.2775328}, {10, 10, 0.7224672, 1}, {8, 10, 0.4901625, 0.9433178}, {80, 100, 0.7111708, 0.8666331}} {
		low, high := wilson(test.k, test.n)
		if math.Abs(low-test.low) > 1e-6 || math.Abs(high-test.high) > 1e-6 {
			t.Errorf("%d of %d: got %.7f to %.7f, want %.7f to %.7f", test.k, test.n, low, high, test.low, test.high)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(1, 1e9).Draw(t, "n")
		k := rapid.Uint64Range(0, n).Draw(t, "k")
		low, high := wilson(k, n)
		if p := float64(k) / float64(n); low < 0 || high > 1 || low > p || high < p {
			t.Fatalf("%d of %d: %v to %v", k, n, low, high)
		}
	})
}

// TestWholeRule: a rule without a name is counted as one, whatever of its matches the requests had.
func TestWholeRule(t *testing.T) {
	t.Parallel()
	for decided, want := range map[string]string{"everybody": "everybody", "http[1].match[0]": "http[1]", "rules[1].matches[0]": "rules[1]"} {
		if got := wholeRule(decided); got != want {
			t.Errorf("%s is of %s, want %s", decided, got, want)
		}
	}
}
