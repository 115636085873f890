package deploy

import (
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	networking "istio.io/api/networking/v1alpha3"
)

// effects lists, by overlay, what its rules do besides routing and retries.
var effects = map[string][]string{
	"fault":   {"VirtualService hopline/middle http[0]: delays 100 % by 500ms, aborts 50 % with 503"},
	"timeout": {"VirtualService hopline/core http[0]: timeout 1s", "VirtualService hopline/core http[1]: timeout 1s"},
	"mirror":  {"VirtualService hopline/middle http[1]: mirrors 100 % to middle dev"},
	"circuit": {"DestinationRule hopline/minimal v1: 1 connections, 1 pending requests"},
	"denied":  {"AuthorizationPolicy hopline/core: ports [8080], paths [/hops /fast-endpoint]"},
}

// testEffects checks that the rules of an overlay do what it demonstrates, and that no other overlay's rules do so. The policy for the
// metrics of all pods is in every overlay with a mesh.
func testEffects(t *testing.T, overlay string, s *system) {
	got := slices.Concat(s.routeEffects(), s.limits(), s.pathsAllowed())
	slices.Sort(got)
	if d := gocmp.Diff(effects[overlay], got); d != "" {
		t.Errorf("effects (-want +got):\n%s", d)
	}
}

func (s *system) routeEffects() (all []string) {
	for key, vs := range s.virtualServices {
		for i, h := range vs.Http {
			at := fmt.Sprintf("VirtualService %s http[%d]: ", key, i)
			if f := h.Fault; f != nil {
				all = append(all, at+fmt.Sprintf("delays %v %% by %s, aborts %v %% with %d", f.GetDelay().GetPercentage().GetValue(), duration(f.GetDelay().GetFixedDelay()),
					f.GetAbort().GetPercentage().GetValue(), f.GetAbort().GetHttpStatus()))
			}
			if h.Timeout != nil {
				all = append(all, at+"timeout "+duration(h.Timeout))
			}
			if m := h.Mirror; m != nil {
				percent := 100.0
				if h.MirrorPercentage != nil {
					percent = h.MirrorPercentage.Value
				}
				all = append(all, at+fmt.Sprintf("mirrors %v %% to %s %s", percent, m.Host, m.Subset))
			}
			for _, m := range h.Mirrors {
				all = append(all, at+fmt.Sprintf("mirrors %v", m))
			}
		}
	}
	return all
}

func (s *system) limits() (all []string) {
	for key, rule := range s.destinationRules {
		all = append(all, limitsOf(key, rule.TrafficPolicy.GetConnectionPool())...)
		for _, subset := range rule.Subsets {
			all = append(all, limitsOf(key+" "+subset.Name, subset.TrafficPolicy.GetConnectionPool())...)
		}
	}
	return all
}

func limitsOf(what string, p *networking.ConnectionPoolSettings) []string {
	if p == nil {
		return nil
	}
	return []string{fmt.Sprintf("DestinationRule %s: %d connections, %d pending requests", what, p.GetTcp().GetMaxConnections(), p.GetHttp().GetHttp1MaxPendingRequests())}
}

func (s *system) pathsAllowed() (all []string) {
	for key, policy := range s.authorizationPolicies {
		for _, r := range policy.Rules {
			for _, to := range r.To {
				if o := to.Operation; len(o.Paths) > 0 && key != "hopline/metrics" {
					all = append(all, fmt.Sprintf("AuthorizationPolicy %s: ports %v, paths %v", key, o.Ports, o.Paths))
				}
			}
		}
	}
	return all
}
