package lint

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// drawObjects draws objects of two namespaces, as JSON values. The workloads of namespace one are among them, those of namespace two are not.
func drawObjects(t *rapid.T) (list []any) {
	add := func(version, kind, namespace, name string, spec map[string]any) {
		list = append(list, map[string]any{"apiVersion": version, "kind": kind, "metadata": map[string]any{"name": name, "namespace": namespace}, "spec": spec})
	}
	pick := func(label string, of ...any) any { return rapid.SampledFrom(of).Draw(t, label) }
	for _, namespace := range []string{"one", "two"} {
		add("v1", "Service", namespace, "a", map[string]any{"selector": map[string]any{"app": pick("selector", "a", "a", "z")}, "ports": []any{map[string]any{"name": "http", "port": 80}}})
	}
	for i := range rapid.IntRange(1, 2).Draw(t, "workloads") {
		labels := map[string]any{"app": pick("app", "a", "b"), "version": pick("version", "v1", "v2")}
		add("apps/v1", "Deployment", "one", fmt.Sprintf("d%d", i), map[string]any{"template": map[string]any{"metadata": map[string]any{"labels": labels}}})
	}
	if rapid.Bool().Draw(t, "gateway") {
		add("networking.istio.io/v1", "Gateway", "one", "g", map[string]any{"selector": map[string]any{"istio": "ingressgateway"},
			"servers": []any{map[string]any{"port": map[string]any{"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": []any{pick("server host", "*", "x.test", "*.test")}}}})
	}
	if rapid.Bool().Draw(t, "subsets") {
		subsets := []any{}
		for _, v := range []string{"v1", "v2"} {
			if rapid.Bool().Draw(t, "subset") {
				subsets = append(subsets, map[string]any{"name": v, "labels": map[string]any{"version": v}})
			}
		}
		add("networking.istio.io/v1", "DestinationRule", "one", "a", map[string]any{"host": "a", "subsets": subsets})
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "virtual services") {
		spec := map[string]any{"hosts": []any{pick("host", "a", "a", "a.two.svc.cluster.local", "x.test", "*.test")}, "http": drawRules(t)}
		if bound := pick("gateways", nil, nil, []any{"mesh", "one/g"}, []any{"one/g"}); bound != nil {
			spec["gateways"] = bound
			spec["hosts"] = []any{pick("host at a Gateway", "x.test", "*.test", "a.test")}
		}
		if exports := pick("exportTo", nil, nil, []any{"."}, []any{"two"}); exports != nil {
			spec["exportTo"] = exports
		}
		add("networking.istio.io/v1", "VirtualService", pick("namespace", "one", "two").(string), fmt.Sprintf("v%d", i), spec)
	}
	return list
}

// drawRules draws the rules of a VirtualService.
func drawRules(t *rapid.T) (list []any) {
	pick := func(label string, of ...any) any { return rapid.SampledFrom(of).Draw(t, label) }
	for range rapid.IntRange(1, 4).Draw(t, "rules") {
		rule := map[string]any{}
		var blocks []any
		for range rapid.IntRange(0, 2).Draw(t, "blocks") {
			m := map[string]any{"uri": map[string]any{pick("uri", "prefix", "exact").(string): pick("path", "/", "/a", "/a/b")}}
			if rapid.IntRange(0, 2).Draw(t, "header") == 0 {
				m["headers"] = map[string]any{"x": map[string]any{"exact": pick("value", "1", "2")}}
			}
			if labels := pick("sourceLabels", nil, nil, map[string]any{"app": "a"}, map[string]any{"app": "nobody"}); labels != nil {
				m["sourceLabels"] = labels
			}
			if namespace := pick("sourceNamespace", nil, nil, "one", "three"); namespace != nil {
				m["sourceNamespace"] = namespace
			}
			blocks = append(blocks, m)
		}
		if blocks != nil {
			rule["match"] = blocks
		}
		if rapid.IntRange(0, 5).Draw(t, "delegate") == 0 {
			rule["delegate"] = map[string]any{"name": "leaf"}
		} else {
			rule["route"] = drawRoutes(t)
		}
		list = append(list, rule)
	}
	return list
}

func drawRoutes(t *rapid.T) (list []any) {
	pick := func(label string, of ...any) any { return rapid.SampledFrom(of).Draw(t, label) }
	routes := rapid.IntRange(1, 2).Draw(t, "routes")
	for i := range routes {
		d := map[string]any{"host": pick("destination", "a.one.svc.cluster.local", "a.one.svc.cluster.local", "a.two.svc.cluster.local", "c.one.svc.cluster.local", "c.three.svc.cluster.local")}
		if subset := pick("subset of the destination", nil, "v1", "v2"); subset != nil {
			d["subset"] = subset
		}
		if port := pick("port", nil, nil, 81); port != nil {
			d["port"] = map[string]any{"number": port}
		}
		route := map[string]any{"destination": d}
		if routes > 1 {
			route["weight"] = pick("weight", 0, 1, 99)
			if i == 0 {
				route["weight"] = 1
			}
		}
		list = append(list, route)
	}
	return list
}

// TestProved draws rules, and requests of callers in the files and of any other. No request does what a finding says that none does.
func TestProved(t *testing.T) {
	t.Parallel()
	var counts [11]atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(map[string]any{"kind": "List", "apiVersion": "v1", "items": drawObjects(t)})
		if err != nil {
			t.Fatal(err)
		}
		r, err := rules.ReadWhole(context.Background(), []string{"-"}, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		findings, _, err := Check(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			var n int
			if _, err := fmt.Sscanf(f.Code, "HL%d", &n); err != nil {
				t.Fatal(err)
			}
			counts[n].Add(1)
		}
		for range 40 {
			req, from := drawRequest(t, r)
			d := r.Table.Decide(req, from, rapid.Uint64().Draw(t, "random"))
			for _, f := range findings {
				if refuted(r, f, &d) {
					t.Fatalf("%s\n%s\n%s %s:%d%s %v from %+v: %+v", text, f, req.Method, req.Authority, req.Port, req.Path, req.Header, from, d)
				}
			}
		}
	})
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7} {
		if counts[n].Load() == 0 {
			t.Errorf("HL%03d was found in no draw: the test did not check it", n)
		}
	}
}

// drawRequest draws a request, from a workload of the files, a gateway, or any other workload of a namespace whose workloads they do not have.
func drawRequest(t *rapid.T, r *rules.Rules) (*mesh.Request, *mesh.Source) {
	sources := mesh.Gateways(r.Overlay)
	for _, d := range r.Overlay.Deployments {
		src := mesh.SourceOf(r.Overlay, d)
		sources = append(sources, src)
	}
	for _, namespace := range []string{"two", "three", "four"} {
		for _, app := range []string{"a", "b", "nobody"} {
			sources = append(sources, mesh.Source{Workload: "w", Namespace: namespace, Labels: map[string]string{"app": app}})
		}
	}
	req := &mesh.Request{Method: "GET", Scheme: "http", Port: rapid.SampledFrom([]int{80, 80, 81}).Draw(t, "port"), Header: http.Header{},
		Authority: rapid.SampledFrom([]string{"a", "a.one", "a.two", "a.two.svc.cluster.local", "x.test", "y.test", "a.test"}).Draw(t, "authority"),
		Path:      rapid.SampledFrom([]string{"/", "/a", "/a/b", "/a/b/c", "/c"}).Draw(t, "path")}
	if x := rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "x"); x != "" {
		req.Header.Set("X", x)
	}
	return req, &sources[rapid.IntRange(0, len(sources)-1).Draw(t, "source")]
}

// refuted reports whether a decision contradicts a finding.
func refuted(r *rules.Rules, f Finding, d *mesh.Decision) bool {
	if d.Route == nil {
		return false
	}
	place := strings.TrimPrefix(f.Path, "spec.")
	rule, _, _ := strings.Cut(place, ".")
	inRule := d.Route.Object == f.Object && strings.HasPrefix(d.Route.Place+".", rule+".")
	switch f.Code {
	case "HL001":
		return d.Route.Object == f.Object && strings.HasPrefix(d.Route.Place+".", place+".")
	case "HL002":
		return d.Route.Object == f.Object
	case "HL003", "HL004":
		to, _ := destinationAt(r, f)
		return inRule && d.To != nil && d.To.Cluster.Known && sentTo(d, to)
	case "HL007":
		to, twice := destinationAt(r, f)
		return inRule && d.To != nil && sentTo(d, to) && !twice
	case "HL005":
		subset, ofSubset := strings.CutPrefix(f.Text[strings.Index(f.Text, ": ")+2:], "requests to the subset ")
		subset, _, _ = strings.Cut(subset, " ")
		if d.To == nil || d.To.Cluster.Host != "a.one.svc.cluster.local" || ofSubset && d.To.Cluster.Subset != subset {
			return false
		}
		for _, s := range r.Table.Shares(d.Route) {
			if s.Cluster == d.To.Cluster && len(s.Backends) > 0 {
				return true
			}
		}
	case "HL006":
		return d.To != nil && d.To.Cluster.Host == "a.one.svc.cluster.local" && strings.HasSuffix(f.Text, " the subset "+d.To.Cluster.Subset)
	}
	return false
}

// destinationAt returns the destination of a finding, and whether its rule has it once more.
func destinationAt(r *rules.Rules, f Finding) (to destination, twice bool) {
	all := (&linter{rules: r}).destinations()
	of := func(d destination) bool {
		return d.object == f.Object && strings.HasPrefix(f.Path, strings.TrimSuffix(d.path, "destination"))
	}
	to = all[slices.IndexFunc(all, of)]
	rule := to.path[:strings.Index(to.path, ".route")]
	for _, d := range all {
		same := d.object == to.object && strings.HasPrefix(d.path, rule+".") && d.host == to.host && d.subset == to.subset
		twice = twice || same && d.path != to.path
	}
	return to, twice
}

// sentTo reports whether a request is sent to a destination.
func sentTo(d *mesh.Decision, to destination) bool {
	c := d.To.Cluster
	return c.Host == to.host && c.Subset == to.subset && (to.port == 0 || to.port == c.Port)
}
