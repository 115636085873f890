package traffic

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

// TestEdgesEndWhereTheLastTryWent checks the ends of an edge for each kind of responder.
func TestEdgesEndWhereTheLastTryWent(t *testing.T) {
	t.Parallel()
	ingress, egress := mesh.IngressGateway(), mesh.EgressGateway()
	caller := End{Workload, "hopline", "front-amber"}
	for name, test := range map[string]struct {
		access   proxy.Access
		from, to End
	}{
		"workload":              {proxy.Access{Source: amber, By: prod, Upstream: "127.0.0.1:1"}, caller, End{Workload, "hopline", "middle-prod"}},
		"from a gateway":        {proxy.Access{Source: &ingress, By: prod, Upstream: "127.0.0.1:1"}, End{Gateway, ingress.Namespace, "istio-ingressgateway"}, End{Workload, "hopline", "middle-prod"}},
		"to a gateway":          {proxy.Access{Source: amber, Upstream: "127.0.0.1:1", Cluster: &mesh.Cluster{Gateway: "istio-egressgateway"}}, caller, End{Gateway, egress.Namespace, "istio-egressgateway"}},
		"outside":               {proxy.Access{Source: amber, Upstream: "127.0.0.1:1", Cluster: &mesh.Cluster{Host: "far.example"}}, caller, End{Outside, "", "far.example"}},
		"no endpoint":           {proxy.Access{Source: amber, Cluster: &mesh.Cluster{Host: "far.example"}, Status: 503}, caller, End{Kind: Mesh}},
		"no route":              {proxy.Access{Source: amber, Status: 404}, caller, End{Kind: Mesh}},
		"no gateway's endpoint": {proxy.Access{Source: amber, Cluster: &mesh.Cluster{Gateway: "istio-egressgateway"}, Status: 502}, caller, End{Kind: Mesh}},
	} {
		f := New()
		f.Access(&test.access)
		edges := f.Edges(time.Now())
		if len(edges) != 1 || edges[0].From != test.from || edges[0].To != test.to {
			t.Errorf("%s: got %+v, want one from %+v to %+v", name, edges, test.from, test.to)
		}
	}
}

// TestEdgeWindow counts requests over time: those of the last slots only.
func TestEdgeWindow(t *testing.T) {
	t.Parallel()
	f := New()
	begin := time.Unix(1_800_000_000, 0) // where a slot begins
	route := &mesh.Route{Object: "VirtualService hopline/middle", Rule: "everybody"}
	send := func(after time.Duration, change func(*proxy.Access)) {
		a := proxy.Access{Source: amber, By: prod, Upstream: "x", Route: route, Start: begin.Add(after - 10*time.Millisecond), Duration: 10 * time.Millisecond, Status: 200, Attempts: 1, Flags: "-"}
		change(&a)
		f.Access(&a)
	}
	for i := range 100 {
		send(time.Duration(i)*100*time.Millisecond, func(*proxy.Access) {}) // for ten seconds
	}
	send(11*time.Second, func(a *proxy.Access) { a.Status, a.Attempts = 503, 3 })
	send(11*time.Second, func(a *proxy.Access) { a.Status, a.Denied = 403, true })
	send(11*time.Second, func(a *proxy.Access) { a.Status, a.Flags = 500, "FI" })
	send(11*time.Second, func(a *proxy.Access) { a.Flags = "DI" })
	send(11*time.Second, func(a *proxy.Access) { a.Status = 0 })
	for i := range f.edges { // as if they had been there for long
		f.edges[i].since = begin
	}
	type seen struct {
		Totals
		Window time.Duration
		Ever   uint64
	}
	for _, step := range []struct {
		at   time.Duration
		want seen
	}{
		{12 * time.Second, seen{Totals{Requests: 105, Errors: 3, Tries: 107, Denied: 1, Injected: 2}, 12 * time.Second, 105}},
		{16 * time.Second, seen{Totals{Requests: 55, Errors: 3, Tries: 57, Denied: 1, Injected: 2}, 11 * time.Second, 105}},
		{24 * time.Second, seen{Totals{Requests: 5, Errors: 3, Tries: 7, Denied: 1, Injected: 2}, 14 * time.Second, 105}},
		{25 * time.Second, seen{Totals{}, 10 * time.Second, 105}},
	} {
		var all seen
		for _, e := range f.Edges(begin.Add(step.at)) {
			all.Plus(e.Totals)
			all.Window, all.Ever = e.Window, all.Ever+e.Ever
		}
		if diff := cmp.Diff(step.want, all); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.at, diff)
		}
	}
	send(26*time.Second, func(a *proxy.Access) { a.Copy, a.Route = true, nil })
	edges := f.Edges(begin.Add(26 * time.Second))
	if diff := cmp.Diff(Totals{Copies: 1}, edges[0].Totals); diff != "" || edges[0].Object != "" || edges[0].Ever != 0 {
		t.Errorf("a copy is counted differently, for %+v (-want +got):\n%s", edges[0].EdgeKey, diff)
	}
}

// TestEdgePercentiles merges the durations of several slots.
func TestEdgePercentiles(t *testing.T) {
	t.Parallel()
	f := New()
	begin := time.Unix(1_800_000_000, 0)
	for i := range 200 {
		took := 10 * time.Millisecond
		if i >= 190 {
			took = 2 * time.Second
		}
		f.Access(&proxy.Access{Source: amber, By: prod, Upstream: "x", Start: begin.Add(time.Duration(i) * 40 * time.Millisecond), Duration: took, Status: 200})
	}
	e := f.Edges(begin.Add(11 * time.Second))[0]
	within := cmpopts.EquateApprox(0.032, 0)
	if got := []float64{e.Duration.Percentile(50).Seconds(), e.Duration.Percentile(99).Seconds()}; !cmp.Equal([]float64{0.01, 2}, got, within) {
		t.Errorf("p50 and p99 are %v, want 0.01 and 2 s", got)
	}
	if e.Duration.Count() != 200 || e.Requests != 200 {
		t.Errorf("%d durations of %d requests, want 200", e.Duration.Count(), e.Requests)
	}
}
