// Package destinationrule finds the DestinationRule that Istio uses for a host and a caller, and the policy that it has for a port of a subset.
package destinationrule

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// Rule holds one DestinationRule, or several merged ones for the same host.
type Rule struct {
	namespace string
	exportTo  []string          // sorted, without duplicates
	selector  map[string]string // nil: every workload
	policy    *networking.TrafficPolicy
	subsets   []*networking.Subset
}

// Subset returns a subset of the rule; nil if it has none of that name. A nil rule has none.
func (d *Rule) Subset(name string) *networking.Subset {
	if d == nil {
		return nil
	}
	for _, s := range d.subsets {
		if s.GetName() == name {
			return s
		}
	}
	return nil
}

// Rules holds the DestinationRules of an overlay, merged. The zero Rules has none.
type Rules struct {
	local    map[string]map[string][]*Rule // by namespace and host: for workloads of that namespace
	exported map[string]map[string][]*Rule // by namespace and host: for other namespaces
	root     map[string][]*Rule            // by host: private rules of the root namespace, only for its own workloads
}

// Merge sorts and merges an overlay's DestinationRules as Istio does: those with a selector first, then by age.
func Merge(o *overlay.Overlay) *Rules {
	rules := slices.Clone(o.DestinationRules)
	rank := func(r overlay.Istio[*networking.DestinationRule]) int {
		if r.Spec.GetWorkloadSelector() != nil {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(rules, func(a, b overlay.Istio[*networking.DestinationRule]) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.CompareAge(b.Meta))
	})
	d := &Rules{local: map[string]map[string][]*Rule{}, exported: map[string]map[string][]*Rule{},
		root: map[string][]*Rule{}}
	for _, r := range rules {
		exportTo := slices.Compact(slices.Sorted(slices.Values(r.Spec.GetExportTo())))
		var selector map[string]string
		if r.Spec.GetWorkloadSelector() != nil {
			exportTo, selector = []string{"."}, r.Spec.GetWorkloadSelector().GetMatchLabels()
			if selector == nil {
				selector = map[string]string{}
			}
		}
		host := istio.FullHost(r.Spec.GetHost(), r.Namespace)
		one := Rule{namespace: r.Namespace, exportTo: exportTo, selector: selector, policy: r.Spec.GetTrafficPolicy(), subsets: r.Spec.GetSubsets()}
		own := slices.Contains(exportTo, ".") || slices.Contains(exportTo, r.Namespace)
		if istio.IsPublic(exportTo) || own {
			mergeRule(inNamespace(d.local, r.Namespace), host, one)
		}
		switch private := len(exportTo) == 1 && own; {
		case !private:
			mergeRule(inNamespace(d.exported, r.Namespace), host, one)
		case r.Namespace == istio.RootNamespace:
			mergeRule(d.root, host, one)
		}
	}
	return d
}

func inNamespace(m map[string]map[string][]*Rule, namespace string) map[string][]*Rule {
	if m[namespace] == nil {
		m[namespace] = map[string][]*Rule{}
	}
	return m[namespace]
}

// mergeRule adds a rule to those of its host. For rules with the same exports, the subsets are merged and the first traffic policy applies.
// (https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services)
func mergeRule(rules map[string][]*Rule, host string, rule Rule) {
	apart := true
	for i, old := range rules[host] {
		superset := len(old.exportTo) > 0 && !slices.ContainsFunc(old.exportTo, func(e string) bool { return !slices.Contains(rule.exportTo, e) })
		switch {
		case slices.Equal(old.exportTo, rule.exportTo):
			apart = false
		case superset:
			apart = true
		default:
			apart = true
			continue
		}
		if old.selector != nil && rule.selector != nil && !maps.Equal(old.selector, rule.selector) {
			apart = true
			continue
		}
		if (old.selector == nil) == (rule.selector == nil) {
			apart = false
		}
		merged := *old
		merged.subsets = slices.Clone(old.subsets)
		for _, s := range rule.subsets {
			if old.Subset(s.GetName()) == nil {
				merged.subsets = append(merged.subsets, s)
			}
		}
		if merged.policy == nil {
			merged.policy = rule.policy
		}
		rules[host][i] = &merged
	}
	if apart {
		rules[host] = append(rules[host], &rule)
	}
}

// Find returns the rule that a caller's sidecar uses for a host, or nil for none. It looks in the caller's own namespace, then in the
// exports of the Service's namespace, then in the exports of the root namespace.
// (https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration)
func (d *Rules) Find(host, serviceNamespace, namespace string, labels map[string]string) *Rule {
	var best *Rule
	for _, r := range d.candidates(host, serviceNamespace, namespace) {
		if r.selector == nil {
			best = r
		} else if r.namespace == namespace && istio.HasLabels(labels, r.selector) {
			return r
		}
	}
	return best
}

func (d *Rules) candidates(host, serviceNamespace, namespace string) []*Rule {
	own := d.local[namespace]
	if namespace == istio.RootNamespace {
		own = d.root
	}
	if rules, ok := istio.MostSpecific(own, host); ok {
		return rules
	}
	for _, owner := range []string{serviceNamespace, istio.RootNamespace} {
		rules, _ := istio.MostSpecific(d.exported[owner], host)
		var out []*Rule
		for _, r := range rules {
			if istio.IsPublic(r.exportTo) || slices.Contains(r.exportTo, namespace) {
				out = append(out, r)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// Hash returns the consistent hashing that the rule sets for a port of a subset; nil for none. The settings of the subset override those of the
// rule only if they set a consistent hash too. A nil rule has none.
// (pilot/pkg/networking/core/route/route.go, HashForHTTPDestination)
func (d *Rule) Hash(subset *networking.Subset, port int) (best *networking.LoadBalancerSettings_ConsistentHashLB) {
	if d == nil {
		return nil
	}
	for _, p := range []*networking.TrafficPolicy{d.policy, subset.GetTrafficPolicy()} {
		if h := p.GetLoadBalancer().GetConsistentHash(); h != nil {
			best = h
		}
		if h, ofPort := portPolicy(p, port); ofPort && h.Balancer.GetConsistentHash() != nil {
			best = h.Balancer.GetConsistentHash()
		}
	}
	return best
}
