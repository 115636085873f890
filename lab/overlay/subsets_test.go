package overlay

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/shipped"
)

// TestSubsetsOfRoutes: the destinations of HTTPRoutes are among those that rules route to, also of files that others wrote, where those of
// other routes of the Gateway API are too.
func TestSubsetsOfRoutes(t *testing.T) {
	t.Parallel()
	const rules = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a, namespace: shop}
spec:
  parentRefs: [{group: "", kind: Service, name: a}]
  rules:
  - backendRefs: [{name: b, port: 80}, {name: c, namespace: other, port: 80}, {group: networking.istio.io, kind: Hostname, name: out.test, port: 80}]
    filters: [{type: RequestMirror, requestMirror: {backendRef: {name: copies, port: 80}}}]
`
	const grpc = `
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: g, namespace: shop}
spec:
  parentRefs: [{group: "", kind: Service, name: g}]
  rules: [{backendRefs: [{name: g-v1, port: 80}]}]
`
	want := []string{"b.shop.svc.cluster.local", "c.other.svc.cluster.local", "copies.shop.svc.cluster.local", "out.test"}
	o, rest, err := Read([]string{"-"}, strings.NewReader(rules+grpc))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, hostsOf(t, o.Subsets())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(append(want[:3:3], "g-v1.shop.svc.cluster.local", "out.test"), hostsOf(t, rest.Subsets)); diff != "" {
		t.Errorf("of the files (-want +got)\n%s", diff)
	}
}

// hostsOf returns the hosts of subsets without a name.
func hostsOf(t *testing.T, subsets map[SubsetName]struct{}) (hosts []string) {
	t.Helper()
	for s := range subsets {
		if s.Subset != "" {
			t.Errorf("got the subset %v", s)
		}
		hosts = append(hosts, s.Host)
	}
	slices.Sort(hosts)
	return hosts
}

// TestRulesOfTheGatewayAPI: the objects of the Gateway API are among those that decide about requests, and have YAML.
func TestRulesOfTheGatewayAPI(t *testing.T) {
	t.Parallel()
	o, err := Load(filepath.Join(shipped.Deploy(t), "overlays", "gateway-api"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"HTTPRoute hopline/middle", "Gateway.gateway.networking.k8s.io istio-system/hopline"} {
		text, err := o.YAML(name)
		if err != nil || !strings.Contains(text, "gateway.networking.k8s.io/v1") || !slices.Contains(o.Rules(), name) {
			t.Errorf("%s: %v in %q\n%s", name, err, o.Rules(), text)
		}
	}
	for _, name := range o.Rules() {
		if strings.HasPrefix(name, "PeerAuthentication ") || strings.HasPrefix(name, "Service ") {
			t.Errorf("%s decides about no request", name)
		}
	}
}
