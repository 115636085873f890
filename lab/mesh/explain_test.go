package mesh

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
	"pgregory.net/rapid"
)

// sameRule returns the difference between an explanation and a decision.
func sameRule(e Explanation, d Decision) string {
	switch {
	case e.Outcome != d.Outcome:
		return "the outcome"
	case e.Route != d.Route:
		return "the route"
	case (e.Taken == nil) != (d.Route == nil):
		return "whether a rule takes it"
	case d.To != nil && !slices.ContainsFunc(e.Shares, func(s Explained) bool { return s.Cluster == d.To.Cluster && s.Percent > 0 }):
		return "the destination"
	}
	return ""
}

func TestExplainIsDecide(t *testing.T) {
	t.Parallel()
	base := file(t, "base.yaml")
	rapid.Check(t, func(r *rapid.T) {
		o := objects(t, base)
		spec := &networking.VirtualService{Hosts: []string{"a.test", "b"}}
		if rapid.Bool().Draw(r, "gateway") {
			spec.Gateways = []string{"mesh", "gw"}
		}
		for _, m := range rapid.SliceOfN(rapid.Custom(drawMatch), 0, 8).Draw(r, "matches") {
			m.Gateways = rapid.SampledFrom([][]string{nil, nil, {"mesh"}, {"gw"}}).Draw(r, "gateways")
			m.SourceNamespace = rapid.SampledFrom([]string{"", "", "one", "two"}).Draw(r, "sourceNamespace")
			spec.Http = append(spec.Http, &networking.HTTPRoute{Match: []*networking.HTTPMatchRequest{m}, Route: []*networking.HTTPRouteDestination{
				{Destination: &networking.Destination{Host: "a"}, Weight: int32(rapid.IntRange(0, 2).Draw(r, "weight"))},
				{Destination: &networking.Destination{Host: "b"}, Weight: 1}}})
		}
		o.VirtualServices = []overlay.Istio[*networking.VirtualService]{{Meta: overlay.Meta{Kind: "VirtualService", Namespace: "one", Name: "drawn"}, Spec: spec}}
		table, err := Compile(o)
		if err != nil {
			r.Fatal(err)
		}
		src := &Source{Namespace: rapid.SampledFrom([]string{"one", "two"}).Draw(r, "namespace"), Labels: map[string]string{"app": "caller"}}
		for _, req := range rapid.SliceOfN(rapid.Custom(drawRequest), 1, 5).Draw(r, "requests") {
			d := table.Decide(req, src, rapid.Uint64().Draw(r, "random"))
			if e := table.Explain(req, src); sameRule(e, d) != "" {
				r.Fatalf("%s differs: %+v and\n%s", sameRule(e, d), d, e)
			}
		}
	})
}

// For every request that Istio was tested with, the explanation equals the decision.
func TestExplainOracle(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"corners", "entries", "sidecar"} {
		o := objects(t, file(t, name+".yaml"))
		table, err := Compile(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(file(t, name+".txt")), "\n") {
			req, src := parseRequest(t, o, line[:strings.Index(line, " =>")])
			if e, d := table.Explain(req, src), table.Decide(req, src, 7); sameRule(e, d) != "" {
				t.Errorf("%s: %s differs", line, sameRule(e, d))
			}
		}
	}
}

func TestExplanation(t *testing.T) {
	t.Parallel()
	table := compiled(t, file(t, "base.yaml"), file(t, "explain.yaml"))
	ingress := IngressGateway()
	caller := Source{Workload: "caller-v1", Namespace: "one", Labels: map[string]string{"app": "caller"}}
	for name, c := range map[string]struct {
		src  *Source
		req  Request
		want string
	}{
		"weights": {&caller, Request{Authority: "a", Path: "/hops", Header: http.Header{"X-Dev-User": {"nobody"}}},
			`GET a:80/hops, from caller-v1 in namespace one
rules of VirtualService one/a
  no   VirtualService one/a http[0].match[0]: want gateway one/gw, got mesh
  no   VirtualService one/a beta (http[1].match[0]): want header x-dev-user exactly "betaUser", got "nobody"
  yes  VirtualService one/a http[2]: matches every request
   80.0 %  a.one.svc.cluster.local:80 subset v1: pods of namespace one with app=a,version=v1, port http
   20.0 %  a.one.svc.cluster.local:80 subset v9: no Service, ServiceEntry or subset of that name: 503
  fault: 50 % delayed by 2s
  fault: 1.5 % aborted with 503
  retries and timeout do not cover the fault: Envoy injects it before it sends the request for the first time
  authority rewritten to other.test
  path rewritten to /otherhops
  timeout 3s
  up to 4 retries on gateway-error,connect-failure, each try at most 500ms
  5 % mirrored to b.one.svc.cluster.local:80: pods of namespace one with app=b, port 8080
  limits of each caller to a.one.svc.cluster.local:80 subset v1: 1 connection, 4 pending requests, 9 concurrent requests
  note DestinationRule one/a has the subsets [v1], and not v9
  note VirtualService one/a http[0] is never reached: want gateway one/gw, got mesh
`},
		"direct": {&caller, Request{Authority: "a", Path: "/hops", Header: http.Header{"X-Dev-User": {"betaUser"}}},
			`GET a:80/hops, from caller-v1 in namespace one
rules of VirtualService one/a
  no   VirtualService one/a http[0].match[0]: want gateway one/gw, got mesh
  yes  VirtualService one/a beta (http[1].match[0]): matches header x-dev-user exactly "betaUser"
418: direct response, 5 bytes
  note VirtualService one/a http[0] is never reached: want gateway one/gw, got mesh
`},
		"no rule": {&ingress, Request{Authority: "front.test", Path: "/b"},
			`GET front.test:80/b, from gateway istio-ingressgateway
rules of front.test
  no   VirtualService one/front http[0].match[0]: want uri prefix "/a", got the path "/b"
  no   VirtualService one/front http[1].match[0]: want query parameter q present, got none
404: no rule matches
`},
		"redirect": {&ingress, Request{Authority: "front.test", Path: "/b?q"},
			`GET front.test:80/b?q, from gateway istio-ingressgateway
rules of front.test
  no   VirtualService one/front http[0].match[0]: want uri prefix "/a", got the path "/b"
  yes  VirtualService one/front http[1].match[0]: matches query parameter q present
301: redirected to http://front.test/a?q
`},
		"refused": {&caller, Request{Authority: "b", Path: "/secret"},
			`GET b:80/secret, from caller-v1 in namespace one
rules of Service one/b
  yes  Service one/b default: matches every request
  100.0 %  b.one.svc.cluster.local:80: pods of namespace one with app=b, port 8080
           b-v1 responds with 403: AuthorizationPolicy one/b denies it by rules[0]
  up to 2 retries on connect-failure,refused-stream,cancelled,unavailable
`},
		"not allowed": {&Source{Workload: "a-v2", Namespace: "one", Labels: map[string]string{"app": "a", "version": "v2"}}, Request{Authority: "c.two", Path: "/", Port: 9090},
			`GET c.two:9090/, from a-v2 in namespace one
rules of Service two/c
  yes  Service two/c default: matches every request
  100.0 %  c.two.svc.cluster.local:9090: pods of namespace two with app=c, port http
           c-v1 responds with 403: no AuthorizationPolicy allows it
  up to 2 retries on connect-failure,refused-stream,cancelled,unavailable
`},
		"no host": {&caller, Request{Authority: "nobody.test", Path: "/"},
			`GET nobody.test:80/, from caller-v1 in namespace one
502: no Service or ServiceEntry that namespace one sees has the host nobody.test: to call it, add a ServiceEntry with hosts [nobody.test] and port 80
`},
		"other port": {&caller, Request{Authority: "b", Path: "/", Port: 81},
			`GET b:81/, from caller-v1 in namespace one
502: b has no port 81 in the mesh: want 80 or 8000
`},
		"default": {&caller, Request{Authority: "static.ext", Path: "/"},
			`GET static.ext:80/, from caller-v1 in namespace one
rules of ServiceEntry one/static
  yes  ServiceEntry one/static default: matches every request
  100.0 %  static.ext:80: 10.0.0.1:8080, 10.0.0.2:80
  up to 2 retries on connect-failure,refused-stream,cancelled,unavailable
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.req.Method, c.req.Scheme = "GET", "http"
			if c.req.Port == 0 {
				c.req.Port = 80
			}
			if diff := cmp.Diff(c.want, table.Explain(&c.req, c.src).String()); diff != "" {
				t.Error("want -, got +\n", diff)
			}
		})
	}
}
