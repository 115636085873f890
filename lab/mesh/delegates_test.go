package mesh

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const delegatesRules = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: root, namespace: one}
spec:
  hosts: [b]
  http:
  - {name: site, match: [{uri: {prefix: /site}}, {headers: {x-a: {exact: one}}}], delegate: {name: leaf, namespace: two}, timeout: 3s}
  - {match: [{uri: {prefix: /gone}}], delegate: {name: gone}}
  - {match: [{uri: {prefix: /hidden}}], delegate: {name: hidden, namespace: two}}
  - {route: [{destination: {host: b}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: leaf, namespace: two}
spec:
  http:
  - {name: deep, match: [{uri: {prefix: /site/deep}}, {uri: {exact: /site}}], route: [{destination: {host: c}, weight: 1}, {destination: {host: a}, weight: 3}]}
  - {match: [{uri: {prefix: /elsewhere}, headers: {x-a: {exact: two}}}], directResponse: {status: 201}}
  - {timeout: 5s, route: [{destination: {host: a}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: hidden, namespace: two}
spec: {exportTo: ["."], http: [{directResponse: {status: 201}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: unused, namespace: two}
spec: {http: [{directResponse: {status: 201}}]}
`

// TestDelegates: rules keep the object and the place that they are written in. test/fidelity/testdata/corners/delegates.yaml compares what
// is merged with Istio.
func TestDelegates(t *testing.T) {
	t.Parallel()
	o := objects(t, file(t, "base.yaml"), delegatesRules)
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	src := workload(t, o, "caller")
	for path, want := range map[string]string{
		"/site/deep/x": "VirtualService two/leaf site-deep (http[0].match[0]), a delegate of VirtualService one/root c.two.svc.cluster.local 3s",
		"/site":        "VirtualService two/leaf site-deep (http[0].match[1]), a delegate of VirtualService one/root c.two.svc.cluster.local 3s",
		"/site/x":      "VirtualService two/leaf site (http[2]), a delegate of VirtualService one/root a.two.svc.cluster.local 5s",
		"/gone":        "VirtualService one/root http[3] b.one.svc.cluster.local 0s",
		"/hidden":      "VirtualService one/root http[3] b.one.svc.cluster.local 0s",
	} {
		req := &Request{Method: "GET", Authority: "b", Path: path, Scheme: "http", Port: 80}
		e := table.Explain(req, src)
		if got := e.Taken.Name() + " " + e.Shares[0].Cluster.Host + " " + e.Route.Timeout.String(); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
		if d := table.Decide(req, src, 1); sameRule(e, d) != "" {
			t.Errorf("%s: %s differs: %+v and\n%s", path, sameRule(e, d), d, e)
		}
	}
	var unreached []string
	for _, u := range table.Unreached() {
		unreached = append(unreached, u.String())
	}
	want := []string{
		"VirtualService two/leaf http[1] is never reached: its matches conflict with those of VirtualService one/root http[0], which delegates to it",
		"VirtualService one/root http[1] is never reached: there is no VirtualService one/gone without hosts",
		"VirtualService one/root http[2] is never reached: VirtualService two/hidden is not exported to namespace one: exportTo is [.]",
		"VirtualService two/hidden is never used: it has no hosts, and no VirtualService delegates to it",
		"VirtualService two/unused is never used: it has no hosts, and no VirtualService delegates to it",
	}
	slices.Sort(unreached)
	slices.Sort(want)
	if diff := cmp.Diff(want, unreached); diff != "" {
		t.Errorf("unreached (-want +got):\n%s", diff)
	}
	var rules []string
	for _, r := range table.Rules() {
		rules = append(rules, r.Object+" "+r.Place+" "+r.Hosts[0])
	}
	want = []string{"VirtualService one/root http[3] b", "VirtualService two/leaf http[0] b.one.svc.cluster.local", "VirtualService two/leaf http[2] b.one.svc.cluster.local"}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}
