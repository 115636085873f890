package deploy

import (
	"maps"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// gatewayAPI is the overlay with HTTPRoutes in place of VirtualServices.
const gatewayAPI = "gateway-api"

// versionServices are the Services of single versions, among which the HTTPRoutes choose.
var versionServices = map[string]int32{
	"hopline/middle-prod": 80, "hopline/middle-canary": 80, "hopline/middle-dev": 80, "hopline/core-prod": 80, "hopline/core-test": 80,
	"hopline/minimal-v1": 9090, "hopline/minimal-v2": 9090,
}

// TestGatewayAPI: the overlay holds canary's table in HTTPRoutes only, and canary's other objects.
func TestGatewayAPI(t *testing.T) {
	t.Parallel()
	s, canary := decode(t, renderOverlay(t, gatewayAPI)), decode(t, renderOverlay(t, "canary"))
	if len(s.virtualServices)+len(s.destinationRules) > 0 {
		t.Errorf("%d VirtualServices and %d DestinationRules are left", len(s.virtualServices), len(s.destinationRules))
	}
	for host, r := range rulesOf("canary") {
		for user, want := range map[string]weights{"": r.none, "somebody": r.none, "betauser": r.none, "betaUser": r.betaUser, "stressTest": r.stressTest} {
			got := weights{}
			for version, weight := range s.routed(t, host, user) {
				if app, _, _ := cutVersion(version); app != host {
					t.Errorf("%s for x-dev-user %q is routed to %s", host, user, version)
				}
				_, version, _ := cutVersion(version)
				got[version] += weight
			}
			if d := gocmp.Diff(want, got); d != "" {
				t.Errorf("%s for x-dev-user %q (-want +got):\n%s", host, user, d)
			}
		}
	}
	for what, sets := range map[string][2][]string{
		"Deployments":           {slices.Sorted(maps.Keys(canary.deployments)), slices.Sorted(maps.Keys(s.deployments))},
		"AuthorizationPolicies": {slices.Sorted(maps.Keys(canary.authorizationPolicies)), slices.Sorted(maps.Keys(s.authorizationPolicies))},
		"ServiceEntries":        {slices.Sorted(maps.Keys(canary.serviceEntries)), slices.Sorted(maps.Keys(s.serviceEntries))},
	} {
		if d := gocmp.Diff(sets[0], sets[1]); d != "" {
			t.Errorf("%s (-canary +%s):\n%s", what, gatewayAPI, d)
		}
	}
	g := s.kubernetesGateways["istio-system/hopline"]
	if g == nil || len(g.Spec.Addresses) != 1 || g.Spec.Addresses[0].Value != "istio-ingressgateway.istio-system.svc.cluster.local" || g.Spec.Listeners[0].Port != 80 {
		t.Errorf("the Gateway is not that of the installed ingress gateway: %+v", g)
	}
}

// cutVersion splits the name of a version's Service.
func cutVersion(service string) (app, version string, ok bool) {
	for key := range versionServices {
		name := key[len("hopline/"):]
		if name == service {
			i := slices.Index([]byte(name), '-')
			return name[:i], name[i+1:], true
		}
	}
	return service, "", false
}

// routed returns the weights in percent by Service that the HTTPRoute of a host has for a request with this x-dev-user: those of the matching
// rule with the most conditions.
func (s *system) routed(t *testing.T, host, user string) weights {
	t.Helper()
	r := s.httpRoutes["hopline/"+host]
	if r == nil {
		t.Fatalf("no HTTPRoute %s", host)
	}
	if !slices.ContainsFunc(r.Spec.ParentRefs, func(p gatewayv1.ParentReference) bool {
		return p.Kind != nil && *p.Kind == "Service" && string(p.Name) == host
	}) {
		t.Errorf("HTTPRoute %s is not attached to its Service", host)
	}
	var best *gatewayv1.HTTPRouteRule
	most := -1
	for i := range r.Spec.Rules {
		rule := &r.Spec.Rules[i]
		matches := rule.Matches
		if len(matches) == 0 {
			matches = []gatewayv1.HTTPRouteMatch{{}}
		}
		for _, m := range matches {
			fits := !slices.ContainsFunc(m.Headers, func(h gatewayv1.HTTPHeaderMatch) bool { return h.Name != "x-dev-user" || h.Value != user })
			if fits && len(m.Headers) > most {
				best, most = rule, len(m.Headers)
			}
		}
	}
	w, total := weights{}, int32(0)
	for _, b := range best.BackendRefs {
		weight := int32(100)
		if b.Weight != nil {
			weight = *b.Weight
		}
		w[string(b.Name)], total = weight, total+weight
		if _, there := s.services["hopline/"+string(b.Name)]; !there {
			t.Errorf("HTTPRoute %s: no Service %s", host, b.Name)
		}
	}
	if total != 100 {
		t.Errorf("the weights of %s add up to %d", host, total)
	}
	return w
}
