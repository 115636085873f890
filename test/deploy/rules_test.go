package deploy

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"
	networking "istio.io/api/networking/v1alpha3"
)

type weights map[string]int32 // by subset

var splitMiddle = weights{"prod": 80, "canary": 20}

func all(subset string) weights { return weights{subset: 100} }

// rules is the contract's table for one overlay, by x-dev-user.
type rules struct{ none, betaUser, stressTest weights }

func everybody(w weights) rules { return rules{w, w, w} }

// rulesOf returns the contract's table, by overlay and by the called host.
func rulesOf(overlay string) map[string]rules {
	canary := map[string]rules{
		"middle":  {splitMiddle, all("dev"), splitMiddle},
		"core":    {all("prod"), all("test"), all("test")},
		"minimal": everybody(weights{"v1": 100}),
	}
	switch overlay {
	case gatewayAPI: // gatewayapi_test.go
		return map[string]rules{}
	case "canary", "retry", "outlier", "egress", "fault", "timeout", "mirror", "circuit", "denied":
		return canary
	case "split":
		return with(canary, map[string]rules{"minimal": everybody(weights{"v1": 50, "v2": 50})})
	case "prod":
		return with(canary, map[string]rules{"middle": everybody(all("prod")), "core": everybody(all("prod"))})
	case "dev":
		return with(canary, map[string]rules{"middle": everybody(all("dev")), "core": everybody(all("prod"))})
	case "beta":
		return with(canary, map[string]rules{"middle": {splitMiddle, all("canary"), splitMiddle}, "core": everybody(all("prod"))})
	case "stress":
		return with(canary, map[string]rules{"middle": everybody(splitMiddle), "core": {all("prod"), all("prod"), all("test")}})
	}
	return nil
}

// testRules checks the content of the rules; test/fidelity checks their effect with Istio itself.
func testRules(t *testing.T, overlay string, s *system) {
	want := rulesOf(overlay)
	if (want == nil) != (overlay == "plain") {
		t.Fatalf("the table of this test does not have the rules of %s", overlay)
	}
	for host, r := range want {
		for user, w := range map[string]weights{"": r.none, "somebody": r.none, "betauser": r.none, "betaUser": r.betaUser, "stressTest": r.stressTest} {
			if d := gocmp.Diff(w, s.shares(t, host, user)); d != "" {
				t.Errorf("%s for x-dev-user %q (-want +got):\n%s", host, user, d)
			}
		}
		if host == "minimal" {
			if d := gocmp.Diff(r.none, s.shares(t, "minimal-ingress", "")); d != "" {
				t.Errorf("minimal from the ingress (-want +got):\n%s", d)
			}
		}
	}
	if want == nil && len(s.virtualServices) != 0 {
		t.Errorf("%s has %d VirtualServices, want none", overlay, len(s.virtualServices))
	}
}

// shares returns the weights by subset that a VirtualService of hopline has for a request with this x-dev-user: those of the first rule
// that matches.
func (s *system) shares(t *testing.T, virtualService, user string) weights {
	t.Helper()
	vs := s.virtualServices["hopline/"+virtualService]
	if vs == nil {
		t.Fatalf("no VirtualService %s", virtualService)
	}
	for _, h := range vs.Http {
		if !fits(h, user) {
			continue
		}
		w := weights{}
		for _, d := range h.Route {
			weight := d.Weight
			if len(h.Route) == 1 && weight == 0 {
				weight = 100
			}
			w[d.Destination.Subset] += weight
			if !s.hasSubset(d.Destination) {
				t.Errorf("VirtualService %s: no subset %q of %s", virtualService, d.Destination.Subset, d.Destination.Host)
			}
		}
		return w
	}
	return nil
}

func fits(h *networking.HTTPRoute, user string) bool {
	if len(h.Match) == 0 {
		return true
	}
	for _, m := range h.Match {
		if exact := m.Headers["x-dev-user"].GetExact(); exact != "" && exact == user {
			return true
		}
	}
	return false
}

// hasSubset reports whether a DestinationRule has the subset and pods have its labels.
func (s *system) hasSubset(d *networking.Destination) bool {
	r := s.destinationRules["hopline/"+d.Host]
	if r == nil {
		return false
	}
	for _, sub := range r.Subsets {
		for _, w := range s.deployments {
			if sub.Name == d.Subset && w.Namespace == "hopline" && w.Spec.Template.Labels["app"] == d.Host && w.Spec.Template.Labels["version"] == sub.Labels["version"] {
				return true
			}
		}
	}
	return false
}

func testRetries(t *testing.T, overlay string, s *system) {
	type retry struct {
		Attempts int32
		PerTry   string
		On       string
	}
	chain := retry{4, "", "5xx"}
	want := map[string][]retry{}
	if overlay == "retry" {
		want = map[string][]retry{
			"hopline/bounced":         {{20, "2s", "5xx"}},
			"hopline/bounced-ingress": {{10, "2s", "5xx"}},
			"hopline/front":           {chain},
			"hopline/middle":          {chain, chain},
			"hopline/core":            {chain, chain},
		}
	}
	got := map[string][]retry{}
	for key, vs := range s.virtualServices {
		for _, h := range vs.Http {
			if r := h.Retries; r != nil {
				got[key] = append(got[key], retry{r.Attempts, duration(r.PerTryTimeout), r.RetryOn})
			}
		}
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("retries (-want +got):\n%s", d)
	}
}

func duration(d *durationpb.Duration) string {
	if d == nil {
		return ""
	}
	return d.AsDuration().String()
}

func testIngress(t *testing.T, overlay string, s *system) {
	type rule struct{ Prefix, Exact, Rewrite, Redirect, Host string }
	want, got := map[string][]rule{}, map[string][]rule{}
	if overlay != "plain" && overlay != gatewayAPI {
		want = map[string][]rule{
			"*": {
				{Prefix: "/demo-app/", Rewrite: "/", Host: "front"},
				{Exact: "/demo-app", Redirect: "/demo-app/"},
			},
			"minimal.svc.kind.org": {{Host: "minimal"}},
			"bounced.svc.kind.org": {{Host: "bounced"}},
		}
		g := s.gateways["hopline/hopline"]
		if g == nil || g.Selector["istio"] != "ingressgateway" || len(g.Servers) != 1 || g.Servers[0].Port.Number != 80 {
			t.Fatalf("Gateway hopline: %v", g)
		}
	}
	for _, vs := range s.virtualServices {
		if len(vs.Gateways) != 1 || vs.Gateways[0] != "hopline" {
			continue
		}
		for _, h := range vs.Http {
			r := rule{Rewrite: h.Rewrite.GetUri(), Redirect: h.Redirect.GetUri()}
			if len(h.Match) > 0 {
				r.Prefix, r.Exact = h.Match[0].Uri.GetPrefix(), h.Match[0].Uri.GetExact()
			}
			for _, d := range h.Route {
				r.Host = d.Destination.Host
			}
			got[vs.Hosts[0]] = append(got[vs.Hosts[0]], r)
		}
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("ingress (-want +got):\n%s", d)
	}
}
