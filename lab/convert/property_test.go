package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/rules"
)

type object = map[string]any

// world returns the Services, workloads and subsets that drawn rules route to.
func world() []any {
	add := func(version, kind, name string, spec object) any {
		return object{"apiVersion": version, "kind": kind, "metadata": object{"name": name, "namespace": "one"}, "spec": spec}
	}
	pod := func(name, app, version string) any {
		return add("apps/v1", "Deployment", name, object{"template": object{"metadata": object{"labels": object{"app": app, "version": version}}}})
	}
	ports := []any{object{"name": "http", "port": 80}}
	return []any{
		add("v1", "Service", "a", object{"selector": object{"app": "a"}, "ports": ports}),
		add("v1", "Service", "b", object{"selector": object{"app": "b"}, "ports": ports}),
		pod("a1", "a", "v1"), pod("a2", "a", "v2"), pod("b1", "b", "v1"),
		add("networking.istio.io/v1", "DestinationRule", "a", object{"host": "a", "trafficPolicy": object{"connectionPool": object{"tcp": object{"maxConnections": 9}}},
			"subsets": []any{object{"name": "v1", "labels": object{"version": "v1"}},
				object{"name": "v2", "labels": object{"version": "v2"}, "trafficPolicy": object{"loadBalancer": object{"simple": "ROUND_ROBIN"}}}}}),
		add("networking.istio.io/v1", "Gateway", "g", object{"selector": object{"istio": "ingressgateway"},
			"servers": []any{object{"port": object{"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": []any{"*"}}}}),
	}
}

// drawService draws a VirtualService. Without changes of the path, every order of its rules can be kept.
func drawService(t *rapid.T, paths bool) object {
	spec := object{"hosts": []any{"a"}}
	if rapid.Bool().Draw(t, "at a gateway") {
		spec = object{"hosts": []any{rapid.SampledFrom([]string{"*", "x.test", "*.test"}).Draw(t, "host")}, "gateways": []any{"g"}}
	}
	var list []any
	for range rapid.IntRange(1, 5).Draw(t, "rules") {
		list = append(list, drawRule(t, paths))
	}
	spec["http"] = list
	return object{"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": object{"name": "v", "namespace": "one"}, "spec": spec}
}

func drawRule(t *rapid.T, paths bool) object {
	pick := func(label string, of ...any) any { return rapid.SampledFrom(of).Draw(t, label) }
	rule := object{}
	var matches []any
	for range rapid.IntRange(0, 2).Draw(t, "matches") {
		matches = append(matches, drawBlock(t))
	}
	if matches != nil {
		rule["match"] = matches
	}
	to := func(label string) object {
		return pick(label, object{"host": "a", "subset": "v1"}, object{"host": "a", "subset": "v2"}, object{"host": "b"}, object{"host": "b", "port": object{"number": 80}}).(object)
	}
	switch n := rapid.IntRange(0, 9).Draw(t, "action"); {
	case n == 0:
		rule["redirect"] = pick("redirect", object{"uri": "/new"}, object{"authority": "y.test", "redirectCode": 308}, object{"scheme": "https"})
		return rule
	case n == 1:
		rule["directResponse"] = object{"status": 500}
		return rule
	case n < 4:
		rule["route"] = []any{object{"destination": to("first"), "weight": 80}, object{"destination": to("second"), "weight": 20}}
	default:
		rule["route"] = []any{object{"destination": to("only")}}
	}
	if paths && rapid.Bool().Draw(t, "rewrites") {
		rule["rewrite"] = object{"uri": pick("new path", "/", "/new", "/new/")}
	}
	for field, value := range map[string]any{"timeout": "1.5s", "retries": object{"attempts": 3, "perTryTimeout": "1s"}, "mirror": object{"host": "b"},
		"headers": object{"request": object{"set": object{"X-A": "b"}}}} {
		if rapid.IntRange(0, 5).Draw(t, field) == 0 {
			rule[field] = value
		}
	}
	return rule
}

func drawBlock(t *rapid.T) object {
	pick := func(label string, of ...any) any { return rapid.SampledFrom(of).Draw(t, label) }
	block := object{}
	if uri := pick("uri", nil, object{"exact": "/a"}, object{"exact": "/a/b"}, object{"prefix": "/a"}, object{"prefix": "/a/"}, object{"prefix": "/"},
		object{"regex": "/a|/b"}, object{"regex": "/.*b"}); uri != nil {
		block["uri"] = uri
	}
	headers := object{}
	for _, name := range []string{"x-1", "x-2"} {
		if value := pick(name, nil, nil, object{"exact": "a"}, object{"exact": "b"}, object{"regex": ".*"}); value != nil {
			headers[name] = value
		}
	}
	if len(headers) > 0 {
		block["headers"] = headers
	}
	if method := pick("method", nil, nil, nil, object{"exact": "GET"}, object{"exact": "PUT"}); method != nil {
		block["method"] = method
	}
	if query := pick("query", nil, nil, nil, object{"exact": "a"}); query != nil {
		block["queryParams"] = object{"q": query}
	}
	return block
}

// convertDrawn converts drawn rules; nil if they are rejected with the place of every reason.
func convertDrawn(t *rapid.T, service object) (*rules.Rules, *Proof) {
	text, err := json.Marshal(object{"apiVersion": "v1", "kind": "List", "items": append(world(), service)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := rules.Read(t.Context(), []string{"-"}, strings.NewReader(string(text)))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	converted, err := Convert(r, Options{})
	if err == nil {
		var proof *Proof
		if proof, err = Prove(r, converted); err == nil {
			return r, proof
		}
	}
	var report *overlay.Report
	if !errors.As(err, &report) {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		if p.File == "" || p.Line == 0 || !strings.HasPrefix(p.Object, "VirtualService ") || !strings.HasPrefix(p.Path, "spec.") {
			t.Fatalf("without its place: %+v", p)
		}
	}
	return nil, nil
}

// Rules that do not change paths are converted, and no request goes elsewhere, whatever their order is.
func TestOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		service := drawService(t, false)
		r, proof := convertDrawn(t, service)
		if r == nil {
			t.Fatalf("rejected: %v", service)
		}
		for _, g := range proof.Groups {
			t.Errorf("%s\n%v", g.Text("-"), service)
		}
		decideAlike(t, r, proof)
	})
}

// Rules that rewrite paths are converted, or rejected. If the comparison finds no difference, no request is decided differently.
func TestRewrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		if r, proof := convertDrawn(t, drawService(t, true)); r != nil && len(proof.Groups) == 0 {
			decideAlike(t, r, proof)
		}
	})
}

// decideAlike sends requests by both tables.
func decideAlike(t *rapid.T, r *rules.Rules, proof *Proof) {
	before := compare.Rules{Overlay: r.Overlay, Table: r.Table}
	ingress := mesh.IngressGateway()
	caller := mesh.SourceOf(r.Overlay, r.Overlay.Deployments[2])
	for range 30 {
		pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		req := &mesh.Request{Method: pick("method", "GET", "PUT", "POST"), Authority: pick("authority", "a", "x.test", "y.test"), Scheme: "http", Port: 80, Header: http.Header{},
			Path: pick("path", "/", "/a", "/a/", "/ab", "/a/b", "/a/bc", "/b", "/c/b") + pick("query", "", "?q=a", "?q=b")}
		for _, name := range []string{"X-1", "X-2"} {
			if value := pick(name, "", "a", "b", "c"); value != "" {
				req.Header.Set(name, value)
			}
		}
		random := rapid.Uint64().Draw(t, "random")
		for _, src := range []*mesh.Source{&ingress, &caller} {
			if a, b := decided(before.Table, req, src, random), decided(proof.After.Table, req, src, random); a != b {
				t.Fatalf("%+v from %s: before %s, after %s", req, src.Workload, a, b)
			}
		}
	}
}

// decided describes a decision, with the endpoints of the destination.
func decided(table *mesh.Table, req *mesh.Request, src *mesh.Source, random uint64) string {
	d := table.Decide(req, src, random)
	text := fmt.Sprint(d.Outcome, " mirrors ", d.Mirror)
	switch d.Outcome {
	case mesh.Forward:
		path := req.Path
		if w := d.Route.Rewrite; w != nil && w.URI != nil {
			path = w.URI(path)
		}
		text += fmt.Sprint(" ", d.To.Cluster.Endpoints(), " ", d.To.Cluster.Policy(), " ", path, " ", d.Route.Timeout, " ", d.Route.Retries, " ", d.Route.Headers.Lines())
	case mesh.Redirect:
		text += fmt.Sprint(" ", d.Route.Redirect.Code, " ", d.Route.Redirect.Location(req))
	case mesh.Direct:
		text += fmt.Sprint(" ", d.Route.Direct.Code, " ", len(d.Route.Direct.Body))
	}
	return text
}
