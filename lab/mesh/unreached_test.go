package mesh

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	networking "istio.io/api/networking/v1alpha3"
	"pgregory.net/rapid"

	"github.com/hopline/hopline/lab/overlay"
)

// A matcher that covers another matches everything that the other matches.
func TestCovers(t *testing.T) {
	t.Parallel()
	var proved atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		var matchers []matcher
		for _, m := range rapid.SliceOfN(rapid.Custom(drawMatch), 2, 8).Draw(t, "matches") {
			match, err := newMatcher(m)
			if err != nil {
				t.Fatal(err)
			}
			matchers = append(matchers, match)
		}
		requests := rapid.SliceOfN(rapid.Custom(drawRequest), 1, 10).Draw(t, "requests")
		for i := range matchers {
			for j := range matchers {
				a, b := &matchers[i], &matchers[j]
				if !a.covers(b) {
					continue
				}
				if i != j {
					proved.Add(1)
				}
				for _, req := range requests {
					if path, query := splitPath(req.Path); b.matches(req, path, query) && !a.matches(req, path, query) {
						t.Fatalf("%s covers %s, and does not match %s %s%s %v", a, b, req.Method, req.Authority, req.Path, req.Header)
					}
				}
			}
		}
	})
	if proved.Load() == 0 {
		t.Error("no draw had a covered matcher: the test checked nothing")
	}
}

// drawReachable draws rules for several callers, gateways and hosts. Requests never reach some of them.
func drawReachable(t *rapid.T) *overlay.Overlay {
	o := &overlay.Overlay{}
	for _, namespace := range []string{"one", "two"} {
		o.Namespaces = append(o.Namespaces, overlay.Meta{Kind: "Namespace", Name: namespace, Labels: map[string]string{"istio-injection": "enabled"}})
		o.Services = append(o.Services, overlay.Service{Meta: overlay.Meta{Kind: "Service", Namespace: namespace, Name: "a"}, Type: "ClusterIP",
			Selector: map[string]string{"app": "a"}, Ports: []overlay.ServicePort{{Name: "http", Port: 80, Target: "8080"}, {Name: "http-b", Port: 8000, Target: "8080"}}})
		o.Deployments = append(o.Deployments, overlay.Deployment{Meta: overlay.Meta{Kind: "Deployment", Namespace: namespace, Name: "a"}, Replicas: 1,
			Pod: overlay.PodTemplate{Labels: map[string]string{"app": "a", "of": namespace}, Containers: []overlay.Container{{Ports: []overlay.ContainerPort{{Number: 8080}}}}}})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "gateways") {
		o.Gateways = append(o.Gateways, overlay.Istio[*networking.Gateway]{Meta: overlay.Meta{Kind: "Gateway", Namespace: "one", Name: fmt.Sprintf("g%d", i)},
			Spec: &networking.Gateway{Selector: map[string]string{"istio": rapid.SampledFrom([]string{"ingressgateway", "ingressgateway", "other"}).Draw(t, "selector")},
				Servers: []*networking.Server{{Hosts: rapid.SampledFrom([][]string{{"*"}, {"a.test"}, {"two/*"}}).Draw(t, "server hosts"),
					Port: &networking.Port{Number: rapid.SampledFrom([]uint32{80, 8080, 9000}).Draw(t, "server port"), Name: "http", Protocol: "HTTP"}}}}})
	}
	if rapid.IntRange(0, 3).Draw(t, "sidecar") == 0 {
		o.Sidecars = append(o.Sidecars, overlay.Istio[*networking.Sidecar]{Meta: overlay.Meta{Kind: "Sidecar", Namespace: "two", Name: "s"},
			Spec: &networking.Sidecar{Egress: []*networking.IstioEgressListener{{Hosts: []string{"two/*"}}}}})
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "virtual services") {
		spec := &networking.VirtualService{Hosts: rapid.SampledFrom([][]string{{"a"}, {"a.one.svc.cluster.local"}, {"a.test"}, {"*.test", "a"}, {"*"}, {"b.test"}}).Draw(t, "hosts"),
			Gateways: rapid.SampledFrom([][]string{nil, {"mesh"}, {"one/g0"}, {"one/g0", "mesh"}, {"one/g1"}}).Draw(t, "gateways of"),
			ExportTo: rapid.SampledFrom([][]string{nil, nil, {"."}, {"two"}, {"three"}}).Draw(t, "exportTo")}
		for range rapid.IntRange(1, 5).Draw(t, "rules") {
			h := &networking.HTTPRoute{DirectResponse: &networking.HTTPDirectResponse{Status: 200}}
			for range rapid.IntRange(0, 2).Draw(t, "blocks") {
				m := &networking.HTTPMatchRequest{Uri: rapid.SampledFrom([]*networking.StringMatch{beginning("/"), beginning("/a"), exactly("/a"), like("/a.*")}).Draw(t, "uri")}
				if rapid.Bool().Draw(t, "any match") {
					m = drawMatch(t)
				}
				m.Gateways = rapid.SampledFrom([][]string{nil, nil, nil, {"mesh"}, {"one/g0"}}).Draw(t, "match gateways")
				m.SourceNamespace = rapid.SampledFrom([]string{"", "", "", "one", "three"}).Draw(t, "sourceNamespace")
				m.SourceLabels = rapid.SampledFrom([]map[string]string{nil, nil, nil, {"of": "two"}, {"of": "nobody"}}).Draw(t, "sourceLabels")
				m.Port = rapid.SampledFrom([]uint32{0, 0, 0, 80, 8000, 8080}).Draw(t, "match port")
				h.Match = append(h.Match, m)
			}
			spec.Http = append(spec.Http, h)
		}
		o.VirtualServices = append(o.VirtualServices, overlay.Istio[*networking.VirtualService]{
			Meta: overlay.Meta{Kind: "VirtualService", Namespace: rapid.SampledFrom([]string{"one", "two"}).Draw(t, "namespace"), Name: fmt.Sprintf("v%d", i)}, Spec: spec})
	}
	return o
}

// No request of the overlay's workloads and gateways reaches a rule that Unreached lists.
func TestNothingReachesTheUnreached(t *testing.T) {
	t.Parallel()
	var named atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		o := drawReachable(t)
		table, err := Compile(o)
		if err != nil {
			t.Fatal(err)
		}
		unreached := table.Unreached()
		named.Add(int64(len(unreached)))
		ingress, egress := IngressGateway(), EgressGateway()
		sources := []*Source{&ingress, &egress}
		for _, d := range o.Deployments {
			src := SourceOf(o, d)
			sources = append(sources, &src)
		}
		for _, req := range rapid.SliceOfN(rapid.Custom(drawRequest), 10, 30).Draw(t, "requests") {
			for _, host := range []string{req.Authority, "a", "a.one", "a.two.svc.cluster.local", "x.test", "elsewhere"} {
				for _, port := range []int{80, 8000, 9000} {
					for _, src := range sources {
						to := *req
						to.Authority, to.Port = host, port
						d := table.Decide(&to, src, 0)
						if d.Route == nil {
							continue
						}
						if i := slices.IndexFunc(unreached, func(u Unreached) bool { return u.names(d.Route) }); i >= 0 {
							t.Fatalf("%s\nand a request of %s reaches it: %s %s:%d%s %v", unreached[i], src.Workload, to.Method, host, port, to.Path, to.Header)
						}
					}
				}
			}
		}
	})
	if named.Load() == 0 {
		t.Error("no draw had an unreached rule: the test checked nothing")
	}
}

// names reports whether a route belongs to an unreached rule.
func (u Unreached) names(r *Route) bool {
	return u.Object == r.Object && (u.Place == "" || r.Place == u.Place || strings.HasPrefix(r.Place, u.Place+"."))
}

// unreachedLines returns the warnings for rules of the VirtualService one/a, and for further objects.
func unreachedLines(t *testing.T, rules string, more ...string) []string {
	t.Helper()
	documents := append([]string{file(t, "base.yaml"), "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a, namespace: one}\nspec: {hosts: [a], http: [" + rules + "]}"}, more...)
	lines := []string{}
	for _, u := range compiled(t, documents...).Unreached() {
		lines = append(lines, u.String())
	}
	return lines
}

func TestUnreached(t *testing.T) {
	t.Parallel()
	const a = "VirtualService one/a "
	to := ", route: [{destination: {host: a}}]}"
	for name, c := range map[string]struct {
		rules string
		want  []string
	}{
		"behind one without a match":   {"{name: all" + to + ", {name: beta, match: [{uri: {prefix: /b}}]" + to, []string{a + "beta (http[1]) is never reached: all (http[0]) matches every request"}},
		"behind a shorter prefix":      {"{match: [{uri: {prefix: /a}}]" + to + ", {match: [{uri: {prefix: /ab}}, {uri: {exact: /a}}]" + to, []string{a + "http[1] is never reached: http[0].match[0] matches every such request"}},
		"one block of two":             {"{match: [{uri: {prefix: /a}}]" + to + ", {match: [{uri: {prefix: /ab}}, {uri: {exact: /b}}]" + to, []string{a + "http[1].match[0] is never reached: http[0].match[0] matches every such request"}},
		"with a condition more":        {"{match: [{headers: {x: {exact: a}}}]" + to + ", {match: [{headers: {x: {exact: a}}, uri: {prefix: /b}}]" + to, []string{a + "http[1] is never reached: http[0].match[0] matches every such request"}},
		"for a caller there is not":    {"{match: [{sourceLabels: {app: nobody}}]" + to + ", {name: all" + to, []string{a + "http[0] is never reached: want a source with the labels app=nobody"}},
		"for a port there is not":      {"{match: [{port: 81}]" + to + ", {name: all" + to, []string{a + "http[0] is never reached: want port 81, got 80"}},
		"in the usual order":           {"{match: [{uri: {exact: /a}}]" + to + ", {match: [{uri: {prefix: /a}}]" + to + ", {name: all" + to, nil},
		"with another header":          {"{match: [{headers: {x: {exact: a}}}]" + to + ", {match: [{headers: {x: {exact: b}}}]" + to, nil},
		"with a condition less":        {"{match: [{headers: {x: {exact: a}}, uri: {prefix: /}}]" + to + ", {match: [{uri: {prefix: /}}]" + to, nil},
		"behind a regex":               {"{match: [{uri: {regex: \"/a[0-9]+\"}}]" + to + ", {match: [{uri: {prefix: /a1}}]" + to, nil},
		"of the other letter case":     {"{match: [{uri: {prefix: /a}}]" + to + ", {match: [{uri: {prefix: /a}, ignoreUriCase: true}]" + to, nil},
		"behind one for other callers": {"{match: [{sourceLabels: {version: v1}}]" + to + ", {match: [{uri: {prefix: /b}}]" + to, nil},
		"behind one for other ports":   {"{match: [{port: 80, uri: {prefix: /a}}]" + to + ", {match: [{gateways: [mesh], uri: {prefix: /b}}]" + to, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := append([]string{}, c.want...)
			if diff := cmp.Diff(want, unreachedLines(t, c.rules)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNeverAsked(t *testing.T) {
	t.Parallel()
	all := "{name: all, route: [{destination: {host: a}}]}"
	gateway := "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw, namespace: one}\nspec: {selector: {istio: %s}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [%s]}]}"
	vs := "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: z, namespace: one}\nspec: {%s, http: [{route: [{destination: {host: b.one.svc.cluster.local}}]}]}"
	for name, c := range map[string]struct {
		more []string
		want []string
	}{
		"shadowed":            {[]string{fmt.Sprintf(vs, "hosts: [a.one.svc.cluster.local]")}, []string{"VirtualService one/z is never used: VirtualService one/a has its host first"}},
		"for nobody":          {[]string{fmt.Sprintf(vs, "hosts: [b], exportTo: [three]")}, []string{"VirtualService one/z is never used: exportTo is [three], and no workload with a sidecar is there"}},
		"no Gateway":          {[]string{fmt.Sprintf(vs, "hosts: [b.test], gateways: [gw]")}, []string{"VirtualService one/z is never used: there is no Gateway one/gw"}},
		"unserved Gateway":    {[]string{fmt.Sprintf(gateway, "other", "'*'"), fmt.Sprintf(vs, "hosts: [b.test], gateways: [gw]")}, []string{"VirtualService one/z is never used: Gateway one/gw selects pods with istio=other, and no gateway of the lab has these labels"}},
		"not for the gateway": {[]string{fmt.Sprintf(gateway, "ingressgateway", "'*'"), fmt.Sprintf(vs, "hosts: [b.test], gateways: [gw], exportTo: ['.']")}, []string{"VirtualService one/z is never used: exportTo is [.], and the gateways are in namespace istio-system"}},
		"other hosts":         {[]string{fmt.Sprintf(gateway, "ingressgateway", "c.test"), fmt.Sprintf(vs, "hosts: [b.test], gateways: [gw]")}, []string{"VirtualService one/z is never used: Gateway one/gw accepts none of its hosts, or has no rule of it"}},
		"asked":               {[]string{fmt.Sprintf(gateway, "ingressgateway", "'*'"), fmt.Sprintf(vs, "hosts: [b.test], gateways: [gw]")}, nil},
		"a host of its own":   {[]string{fmt.Sprintf(vs, "hosts: [nobody.test]")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := append([]string{}, c.want...)
			if diff := cmp.Diff(want, unreachedLines(t, all, c.more...)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// If the callers are unknown, there is no warning for rules of the mesh.
func TestUnreachedWithoutCallers(t *testing.T) {
	t.Parallel()
	table := compiled(t, `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: one}
spec: {hosts: [a], http: [{match: [{sourceNamespace: two}], directResponse: {status: 200}}, {match: [{sourceLabels: {app: x}}], directResponse: {status: 201}}]}
`)
	if got := table.Unreached(); len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

// The search through ten thousand rules stays within the bounds of findUnreached.
func TestUnreachedOfManyRules(t *testing.T) {
	t.Parallel()
	o := objects(t, file(t, "base.yaml"))
	spec := &networking.VirtualService{Hosts: []string{"a"}}
	for i := range 10_000 {
		spec.Http = append(spec.Http, &networking.HTTPRoute{Match: []*networking.HTTPMatchRequest{{Uri: like(fmt.Sprintf("/%d/[a-z]+", i))}},
			DirectResponse: &networking.HTTPDirectResponse{Status: http.StatusOK}})
	}
	o.VirtualServices = []overlay.Istio[*networking.VirtualService]{{Meta: overlay.Meta{Kind: "VirtualService", Namespace: "one", Name: "a"}, Spec: spec}}
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Unreached(); len(got) != 0 {
		t.Errorf("got %d rules, want none: %v", len(got), got[0])
	}
}
