package mesh

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// destinationRule holds one DestinationRule, or several merged ones for the same host.
type destinationRule struct {
	namespace string
	exportTo  []string          // sorted, without duplicates
	selector  map[string]string // nil: every workload
	policy    *networking.TrafficPolicy
	subsets   []*networking.Subset
}

func (d *destinationRule) subset(name string) *networking.Subset {
	for _, s := range d.subsets {
		if s.GetName() == name {
			return s
		}
	}
	return nil
}

// destinationRules finds the DestinationRule of a host for one caller.
type destinationRules struct {
	local    map[string]map[string][]*destinationRule // by namespace and host: for workloads of that namespace
	exported map[string]map[string][]*destinationRule // by namespace and host: for other namespaces
	root     map[string][]*destinationRule            // by host: private rules of the root namespace, only for its own workloads
}

// newDestinationRules sorts and merges an overlay's DestinationRules as Istio does: those with a selector first, then by age.
func newDestinationRules(o *overlay.Overlay) *destinationRules {
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
	d := &destinationRules{local: map[string]map[string][]*destinationRule{}, exported: map[string]map[string][]*destinationRule{},
		root: map[string][]*destinationRule{}}
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
		one := destinationRule{namespace: r.Namespace, exportTo: exportTo, selector: selector, policy: r.Spec.GetTrafficPolicy(), subsets: r.Spec.GetSubsets()}
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

func inNamespace(m map[string]map[string][]*destinationRule, namespace string) map[string][]*destinationRule {
	if m[namespace] == nil {
		m[namespace] = map[string][]*destinationRule{}
	}
	return m[namespace]
}

// mergeRule adds a rule to those of its host. For rules with the same exports, the subsets are merged and the first traffic policy applies.
// (https://istio.io/latest/docs/ops/best-practices/traffic-management/#split-virtual-services)
func mergeRule(rules map[string][]*destinationRule, host string, rule destinationRule) {
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
			if old.subset(s.GetName()) == nil {
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

// find returns the rule that a caller's sidecar uses for a host, or nil for none. It looks in the caller's own namespace, then in the
// exports of the Service's namespace, then in the exports of the root namespace.
// (https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration)
func (d *destinationRules) find(host, serviceNamespace, namespace string, labels map[string]string) *destinationRule {
	var best *destinationRule
	for _, r := range d.candidates(host, serviceNamespace, namespace) {
		if r.selector == nil {
			best = r
		} else if r.namespace == namespace && istio.HasLabels(labels, r.selector) {
			return r
		}
	}
	return best
}

func (d *destinationRules) candidates(host, serviceNamespace, namespace string) []*destinationRule {
	own := d.local[namespace]
	if namespace == istio.RootNamespace {
		own = d.root
	}
	if rules, ok := istio.MostSpecific(own, host); ok {
		return rules
	}
	for _, owner := range []string{serviceNamespace, istio.RootNamespace} {
		rules, _ := istio.MostSpecific(d.exported[owner], host)
		var out []*destinationRule
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

// trafficPolicy holds the part of a TrafficPolicy that applies to one port of one subset.
type trafficPolicy struct {
	balancer *networking.LoadBalancerSettings
	pool     *networking.ConnectionPoolSettings
	outlier  *networking.OutlierDetection
}

// policyFor returns the policy for a port of a subset; a nil subset means the service as a whole. The settings of a port replace all
// settings at the same level. The settings of a subset replace those of its rule, one by one.
// (https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy)
func (d *destinationRule) policyFor(subset *networking.Subset, port int) trafficPolicy {
	base, _ := portPolicy(d.policy, port)
	if subset.GetTrafficPolicy() == nil {
		return base
	}
	over, whole := portPolicy(subset.GetTrafficPolicy(), port)
	if whole {
		return over
	}
	if over.balancer != nil {
		base.balancer = over.balancer
	}
	if over.pool != nil {
		base.pool = over.pool
	}
	if over.outlier != nil {
		base.outlier = over.outlier
	}
	return base
}

func portPolicy(p *networking.TrafficPolicy, port int) (policy trafficPolicy, ofPort bool) {
	for _, s := range p.GetPortLevelSettings() {
		if int(s.GetPort().GetNumber()) == port {
			return trafficPolicy{s.GetLoadBalancer(), s.GetConnectionPool(), s.GetOutlierDetection()}, true
		}
	}
	return trafficPolicy{p.GetLoadBalancer(), p.GetConnectionPool(), p.GetOutlierDetection()}, false
}
