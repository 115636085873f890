package mesh

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/overlay"
	"google.golang.org/protobuf/encoding/protojson"
	networking "istio.io/api/networking/v1alpha3"
)

// wide returns an overlay of n services, each with its own VirtualService and DestinationRule.
func wide(t testing.TB, n int) *overlay.Overlay {
	o := objects(t, file(t, "base.yaml"))
	for i := range n {
		name := fmt.Sprintf("s%d", i)
		meta := func(kind string) overlay.Meta { return overlay.Meta{Kind: kind, Namespace: "one", Name: name} }
		o.Services = append(o.Services, overlay.Service{Meta: meta("Service"), Selector: map[string]string{"app": name},
			Ports: []overlay.ServicePort{{Name: "http", Port: 80}}})
		o.VirtualServices = append(o.VirtualServices, overlay.Istio[*networking.VirtualService]{Meta: meta("VirtualService"), Spec: &networking.VirtualService{
			Hosts: []string{name}, Http: []*networking.HTTPRoute{
				{Match: []*networking.HTTPMatchRequest{{Headers: map[string]*networking.StringMatch{"x-dev-user": exactly("betaUser")}}},
					Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: name, Subset: "v2"}}}},
				{Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: name, Subset: "v1"}}}}}}})
		o.DestinationRules = append(o.DestinationRules, overlay.Istio[*networking.DestinationRule]{Meta: meta("DestinationRule"), Spec: &networking.DestinationRule{
			Host: name, Subsets: []*networking.Subset{{Name: "v1", Labels: map[string]string{"version": "v1"}}, {Name: "v2", Labels: map[string]string{"version": "v2"}}}}})
	}
	return o
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		o := wide(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compile(o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The table also serves a caller that matches no Deployment.
func TestUnknownCaller(t *testing.T) {
	t.Parallel()
	table := compiled(t, file(t, "corners.yaml"))
	src := &Source{Workload: "stranger", Namespace: "elsewhere", Labels: map[string]string{"app": "stranger"}}
	if got := shares(table, src, "a.one", "/", ""); got != "a 100" {
		t.Errorf("a.one from elsewhere: got %s, want a", got)
	}
	if got := shares(table, src, "a", "/", ""); got != "outcome 0" {
		t.Errorf("a from elsewhere: got %s, want no host", got)
	}
	labelled := &Source{Namespace: "one", Labels: map[string]string{"app": "other", "version": "v1"}}
	if got := shares(table, labelled, "dest.test", "/srclabels", ""); got != "v1 100" {
		t.Errorf("from a workload of other labels: got %s, want subset v1", got)
	}
}

func TestBareFindsServicesAlone(t *testing.T) {
	t.Parallel()
	table := compiled(t, file(t, "base.yaml"), file(t, "explain.yaml"))
	for authority, want := range map[string]Outcome{"a": Forward, "a.one": Forward, "a.two.svc.cluster.local": Forward, "static.ext": NoHost, "nobody": NoHost} {
		d := table.Decide(&Request{Method: "GET", Authority: authority, Path: "/", Port: 80}, &Source{Namespace: "one", NoSidecar: true}, 1)
		if d.Outcome != want {
			t.Errorf("%s: got outcome %d, want %d", authority, d.Outcome, want)
		}
		if d.Route != nil && (d.Route.Retries.Attempts != 0 || d.Route.Fault != nil || len(d.Route.Destinations) != 1) {
			t.Errorf("%s: got %+v, want only the Service", authority, d.Route)
		}
	}
	if d := table.Decide(&Request{Authority: "a", Port: 80, Path: "/"}, &Source{Namespace: "elsewhere", NoSidecar: true}, 1); d.Outcome != NoHost {
		t.Errorf("a short name from another namespace: got outcome %d, want no host", d.Outcome)
	}
}

// Clusters includes every cluster that a decision can name, by the same pointer.
func TestClustersAreAll(t *testing.T) {
	t.Parallel()
	o := objects(t, file(t, "corners.yaml"))
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	all := table.Clusters()
	for _, line := range strings.Split(strings.TrimSpace(file(t, "corners.txt")), "\n") {
		req, src := parseRequest(t, o, line[:strings.Index(line, " =>")])
		if d := table.Decide(req, src, 1); d.To != nil && !slices.Contains(all, d.To.Cluster) {
			t.Errorf("%s: %s is not among the clusters", line, d.To.Cluster.Name)
		}
	}
}

// The table must handle any input: objects that overlay.Load rejects must not make it panic.
func TestCompileNonsense(t *testing.T) {
	t.Parallel()
	meta := overlay.Meta{Kind: "X", Namespace: "one", Name: "x"}
	for name, o := range map[string]*overlay.Overlay{
		"nothing": {},
		"empty objects": {
			Services: []overlay.Service{{}}, Deployments: []overlay.Deployment{{}},
			VirtualServices:  []overlay.Istio[*networking.VirtualService]{{Meta: meta, Spec: &networking.VirtualService{}}},
			DestinationRules: []overlay.Istio[*networking.DestinationRule]{{Meta: meta, Spec: &networking.DestinationRule{}}},
			Gateways:         []overlay.Istio[*networking.Gateway]{{Meta: meta, Spec: &networking.Gateway{Servers: []*networking.Server{{}}}}},
			ServiceEntries:   []overlay.Istio[*networking.ServiceEntry]{{Meta: meta, Spec: &networking.ServiceEntry{Hosts: []string{"", "*"}, Ports: []*networking.ServicePort{{}}}}},
			Sidecars:         []overlay.Istio[*networking.Sidecar]{{Meta: meta, Spec: &networking.Sidecar{Egress: []*networking.IstioEgressListener{{Hosts: []string{"", "/", "x"}}}}}},
		},
		"a rule without anything": {VirtualServices: []overlay.Istio[*networking.VirtualService]{{Meta: meta, Spec: &networking.VirtualService{
			Hosts: []string{""}, Gateways: []string{"", "/", "."}, Http: []*networking.HTTPRoute{{}, {Route: []*networking.HTTPRouteDestination{{}}},
				{Match: []*networking.HTTPMatchRequest{{Uri: &networking.StringMatch{}}}, Redirect: &networking.HTTPRedirect{}}, {Mirrors: []*networking.HTTPMirrorPolicy{{}}}}}}}},
	} {
		table, err := Compile(o)
		if err != nil {
			continue
		}
		src := IngressGateway()
		for _, authority := range []string{"", "x", ":", "[", "*", "."} {
			if d := table.Decide(&Request{Authority: authority}, &src, 0); d.Outcome != NoRoute {
				t.Errorf("%s: %q at the gateway: got outcome %d", name, authority, d.Outcome)
			}
			_ = table.Explain(&Request{Authority: authority, Port: 80}, &Source{}).String()
		}
	}
}

// Any input that decodes must compile or be rejected, and the table must then decide, the same with and without the index.
func FuzzCompile(f *testing.F) {
	f.Add("VirtualService", `{"hosts":["a"],"http":[{"match":[{"uri":{"prefix":"/a"}}],"rewrite":{"uri":"/b"},"route":[{"destination":{"host":"a","subset":"v1"},"weight":1}]}]}`)
	f.Add("VirtualService", `{"hosts":["*"],"gateways":["gw"],"http":[{"redirect":{"uri":"/x","port":1}},{"directResponse":{"status":200}}]}`)
	f.Add("DestinationRule", `{"host":"*.one.svc.cluster.local","workloadSelector":{"matchLabels":{"app":"caller"}},"subsets":[{"name":"v1","labels":{"version":"v1"}}]}`)
	f.Add("Gateway", `{"selector":{"istio":"ingressgateway"},"servers":[{"port":{"number":80,"protocol":"HTTP"},"hosts":["./*"]}]}`)
	f.Add("ServiceEntry", `{"hosts":["*.ext"],"resolution":"DNS","ports":[{"number":80,"name":"http","protocol":"HTTP"}],"endpoints":[{"address":"a.one"}]}`)
	f.Add("Sidecar", `{"egress":[{"hosts":["~*/a","./*"]}]}`)
	f.Add("AuthorizationPolicy", `{"action":"DENY","rules":[{"from":[{"source":{"principals":["*"]}}],"to":[{"operation":{"paths":["/a*"],"ports":["80"]}}]}]}`)
	base := objects(f, file(f, "base.yaml"))
	f.Fuzz(func(t *testing.T, kind, text string) {
		prototype, ok := kinds()[kind]
		if !ok {
			return
		}
		if err := protojson.Unmarshal([]byte(text), prototype); err != nil {
			return
		}
		o := withObject(kind, prototype)
		o.Services, o.Deployments = base.Services, base.Deployments
		table, err := Compile(o)
		if err != nil {
			return
		}
		ingress := IngressGateway()
		for _, src := range []*Source{workload(t, o, "caller"), &ingress} {
			for _, authority := range []string{"a", "a.one", "x.ext", ""} {
				req := &Request{Method: "GET", Authority: authority, Path: "/a/b?c=d", Scheme: "http", Port: 80}
				d, e := table.Decide(req, src, 1), table.Explain(req, src)
				if difference := sameRule(e, d); difference != "" {
					t.Fatalf("%s differs: %+v and\n%s", difference, d, e)
				}
				if d.Route != nil && d.Route.Rewrite != nil && d.Route.Rewrite.URI != nil {
					_ = d.Route.Rewrite.URI(req.Path)
				}
				if d.Outcome == Redirect {
					_ = d.Route.Redirect.Location(req)
				}
				table.Authorize(src, workload(t, o, "a"), req)
			}
		}
	})
}
