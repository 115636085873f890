package compare

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	"pgregory.net/rapid"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// drawMatch draws a text match of few texts, so that matches overlap.
func drawMatch(t *rapid.T, texts ...string) *networking.StringMatch {
	text := rapid.SampledFrom(texts).Draw(t, "text")
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: text}}
	case 1:
		return &networking.StringMatch{MatchType: &networking.StringMatch_Regex{Regex: text + "[ab]*"}}
	case 2:
		return &networking.StringMatch{MatchType: &networking.StringMatch_Regex{Regex: ".*" + text}}
	}
	return &networking.StringMatch{MatchType: &networking.StringMatch_Exact{Exact: text}}
}

func drawBlock(t *rapid.T) *networking.HTTPMatchRequest {
	m := &networking.HTTPMatchRequest{Headers: map[string]*networking.StringMatch{}, WithoutHeaders: map[string]*networking.StringMatch{}, QueryParams: map[string]*networking.StringMatch{}}
	if rapid.Bool().Draw(t, "uri") {
		m.Uri = drawMatch(t, "/", "/a", "/A", "/a/", "/a/b")
		m.IgnoreUriCase = rapid.Bool().Draw(t, "fold")
	}
	for _, name := range []string{"x-1", "X-2"} {
		switch rapid.IntRange(0, 5).Draw(t, name) {
		case 0:
			m.Headers[name] = drawMatch(t, "a", "b", "ab")
		case 1:
			m.WithoutHeaders[name] = drawMatch(t, "a", "b", "ab")
		case 2:
			m.WithoutHeaders[name] = &networking.StringMatch{}
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "method") == 0 {
		m.Method = drawMatch(t, "GET", "P", "PUT")
	}
	if rapid.IntRange(0, 3).Draw(t, "authority") == 0 {
		m.Authority = drawMatch(t, "a.test", "a")
	}
	if rapid.IntRange(0, 3).Draw(t, "query") == 0 {
		m.QueryParams["q"] = drawMatch(t, "a", "b")
	}
	return m
}

func drawRule(t *rapid.T) *networking.HTTPRoute {
	r := &networking.HTTPRoute{Match: rapid.SliceOfN(rapid.Custom(drawBlock), 0, 2).Draw(t, "matches")}
	to := func(name string) *networking.Destination { return &networking.Destination{Host: name} }
	switch rapid.IntRange(0, 4).Draw(t, "does") {
	case 0:
		r.DirectResponse = &networking.HTTPDirectResponse{Status: uint32(rapid.IntRange(200, 202).Draw(t, "status"))}
		return r
	case 1:
		r.Redirect = &networking.HTTPRedirect{Uri: rapid.SampledFrom([]string{"", "/x"}).Draw(t, "to"), Authority: rapid.SampledFrom([]string{"", "a.test"}).Draw(t, "host")}
		return r
	case 2:
		r.Rewrite = &networking.HTTPRewrite{Uri: rapid.SampledFrom([]string{"/", "/a", "/b/"}).Draw(t, "uri")}
	}
	r.Route = []*networking.HTTPRouteDestination{{Destination: to("one"), Weight: int32(rapid.IntRange(1, 3).Draw(t, "weight"))}, {Destination: to("two"), Weight: 1}}
	return r
}

// world is an overlay with a gateway, two Services with a workload each, and drawn rules and policies.
func world() *overlay.Overlay {
	meta := func(kind, name string) overlay.Meta {
		return overlay.Meta{Kind: kind, Namespace: "ns", Name: name}
	}
	o := &overlay.Overlay{Namespaces: []overlay.Meta{{Kind: "Namespace", Name: "ns", Labels: map[string]string{"istio-injection": "enabled"}}}}
	for _, name := range []string{"one", "two"} {
		labels := map[string]string{"app": name}
		o.Services = append(o.Services, overlay.Service{Meta: meta("Service", name), Selector: labels, Ports: []overlay.ServicePort{{Name: "http", Port: 80, Target: "8080"}}})
		o.Deployments = append(o.Deployments, overlay.Deployment{Meta: meta("Deployment", name), Replicas: 1, Pod: overlay.PodTemplate{Labels: labels, ServiceAccount: name,
			Containers: []overlay.Container{{Ports: []overlay.ContainerPort{{Name: "http", Number: 8080}}}}}})
	}
	o.Gateways = []overlay.Istio[*networking.Gateway]{{Meta: meta("Gateway", "gw"), Spec: &networking.Gateway{Selector: map[string]string{"istio": "ingressgateway"},
		Servers: []*networking.Server{{Hosts: []string{"*"}, Port: &networking.Port{Number: 80, Name: "http", Protocol: "HTTP"}}}}}}
	return o
}

// drawOverlay draws the rules of two VirtualServices and a policy.
func drawOverlay(t *rapid.T) *overlay.Overlay {
	o := world()
	for i, hosts := range [][]string{{"a.test", "one"}, {"*.test", "two"}} {
		spec := &networking.VirtualService{Hosts: hosts, Gateways: []string{"gw", "mesh"}, Http: rapid.SliceOfN(rapid.Custom(drawRule), 1, 4).Draw(t, "rules")}
		o.VirtualServices = append(o.VirtualServices, overlay.Istio[*networking.VirtualService]{Meta: overlay.Meta{Kind: "VirtualService", Namespace: "ns", Name: fmt.Sprint("v", i)}, Spec: spec})
	}
	if rapid.Bool().Draw(t, "policy") {
		op := &security.Operation{Paths: []string{rapid.SampledFrom([]string{"/a", "/a*", "*b", "*", "/{*}", "/a/{**}", "/{*}/b"}).Draw(t, "paths")}}
		if rapid.Bool().Draw(t, "methods") {
			op.Methods = []string{"GET"}
		}
		var when []*security.Condition
		if rapid.Bool().Draw(t, "when") {
			header := rapid.SampledFrom([]string{"x-1", "X-2"}).Draw(t, "header")
			when = []*security.Condition{{Key: "request.headers[" + header + "]", Values: []string{rapid.SampledFrom([]string{"a", "b*", "*"}).Draw(t, "values")}}}
			if rapid.Bool().Draw(t, "not") {
				when[0].Values, when[0].NotValues = nil, when[0].Values
			}
		}
		o.AuthorizationPolicies = []overlay.Istio[*security.AuthorizationPolicy]{{Meta: overlay.Meta{Kind: "AuthorizationPolicy", Namespace: "ns", Name: "p"},
			Spec: &security.AuthorizationPolicy{Action: security.AuthorizationPolicy_DENY, Rules: []*security.Rule{{To: []*security.Rule_To{{Operation: op}}, When: when}}}}}
	}
	return o
}

// drawRequest draws a request whose parts are those of the rules, or near.
func drawRequest(t *rapid.T) *mesh.Request {
	req := &mesh.Request{
		Method:    rapid.SampledFrom([]string{"GET", "PUT", "POST", "P", "PUTab"}).Draw(t, "method"),
		Authority: rapid.SampledFrom([]string{"a.test", "b.test", "A.TEST", "a.test:80", "one", "two.ns", "none"}).Draw(t, "authority"),
		Path: rapid.SampledFrom([]string{"/", "/a", "/A", "/a/", "/a/b", "/A/b", "/a/bb", "/ab", "/b", "/x/a/b", "/a/A"}).Draw(t, "path") +
			rapid.SampledFrom([]string{"", "", "?q=a", "?q", "?q=ab", "?x=1&q=b"}).Draw(t, "query"),
		Scheme: "http", Port: 80, Header: http.Header{},
	}
	for _, name := range []string{"X-1", "X-2"} {
		if rapid.Bool().Draw(t, name) {
			req.Header[name] = []string{rapid.SampledFrom([]string{"a", "b", "ab", "", "c", "bb"}).Draw(t, "value")}
		}
	}
	return req
}

func rulesOf(t rapid.TB, o *overlay.Overlay) Rules {
	table, err := mesh.Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return Rules{o, table}
}

// TestTablesMissNothing draws two overlays and requests. What the tables do differently with a request, by Decide, is among the groups of
// Tables; and the example of each group is treated as the group says.
func TestTablesMissNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := rulesOf(t, drawOverlay(t)), rulesOf(t, drawOverlay(t))
		if rapid.IntRange(0, 9).Draw(t, "same") == 0 {
			after = before
		}
		result := Tables(before, after)
		if len(result.Limits) > 0 {
			t.Fatalf("limits: %q", result.Limits)
		}
		known := map[string]bool{}
		for _, g := range result.Groups {
			known[keyOfDifferences(g.Differences)] = true
		}
		if before.Table == after.Table && len(result.Groups) > 0 {
			t.Fatalf("a table differs from itself: %+v", result.Groups)
		}
		for _, req := range rapid.SliceOfN(rapid.Custom(drawRequest), 20, 20).Draw(t, "requests") {
			caller := rapid.SampledFrom(Callers(before.Overlay)).Draw(t, "caller")
			a, b := before.Table.Decide(req, &caller.Source, 0), after.Table.Decide(req, &caller.Source, 0)
			differences := Of(before.Table, req, caller).Differences(Of(after.Table, req, caller))
			if a.Outcome != b.Outcome && len(differences) == 0 {
				t.Fatalf("%s: outcomes %d and %d, and no difference", req.URL(), a.Outcome, b.Outcome)
			}
			if len(differences) > 0 && !known[keyOfDifferences(differences)] {
				t.Fatalf("%s %s %v from %s: the tables differ by %+v\nand the result has only %+v", req.Method, req.URL(), req.Header, caller.Name, differences, result.Groups)
			}
		}
	})
}

// keyOfDifferences is equal for equal lists.
func keyOfDifferences(list []Difference) string {
	text, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return string(text)
}
