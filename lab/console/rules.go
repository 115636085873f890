package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/overlay"
)

// Rule is one http rule of a VirtualService, or the default of a Service or ServiceEntry without one: what it asks for, and what was seen.
type Rule struct {
	Object  string   `json:"object"` // "VirtualService hopline/middle"
	Name    string   `json:"name"`   // "everybody", or its place "http[1]"
	Hosts   []string `json:"hosts"`
	Gateway bool     `json:"gateway"` // whether it is for requests from outside
	Matches []string `json:"matches"` // one of them is enough; none: every request
	Does    []string `json:"does"`    // beside routing: "timeout 2s", "20 retries on 5xx"
	Parts   []Part   `json:"parts"`
	Seen    uint64   `json:"seen"`   // requests since this edition of the rules runs
	Errors  uint64   `json:"errors"` // of them failed
}

// Part is one version's part of a rule.
type Part struct {
	Service string  `json:"service"`
	Version string  `json:"version"`
	Asked   float64 `json:"asked"` // from 0 to 1; 0 for a version that no weight asks for
	Even    bool    `json:"even"`  // the part is not written down: ready pods share a destination evenly
	Seen    uint64  `json:"seen"`
}

// asked lists all rules of an overlay, in its order, with nothing seen.
func asked(o *overlay.Overlay) []Rule {
	rules := []Rule{}
	if o == nil {
		return rules
	}
	for _, vs := range o.VirtualServices {
		for i, route := range vs.Spec.GetHttp() {
			rules = append(rules, ruleOf(o, vs, i, route))
		}
	}
	return rules
}

func ruleOf(o *overlay.Overlay, vs overlay.Istio[*networking.VirtualService], i int, route *networking.HTTPRoute) Rule {
	rule := Rule{
		Object: vs.String(), Name: cmp.Or(route.GetName(), fmt.Sprintf("http[%d]", i)), Hosts: vs.Spec.GetHosts(),
		Gateway: slices.ContainsFunc(vs.Spec.GetGateways(), func(g string) bool { return g != "mesh" }),
		Matches: []string{}, Does: does(route), Parts: []Part{},
	}
	for _, match := range route.GetMatch() {
		rule.Matches = append(rule.Matches, matchText(match))
	}
	total := int32(0)
	for _, to := range route.GetRoute() {
		total += to.GetWeight()
	}
	for _, to := range route.GetRoute() {
		share := 1.0 // a single destination needs no weight
		if len(route.GetRoute()) > 1 && total > 0 {
			share = float64(to.GetWeight()) / float64(total)
		}
		for _, part := range versions(o, vs.Namespace, to.GetDestination()) {
			part.Asked *= share
			rule.Parts = addPart(rule.Parts, part)
		}
	}
	return rule
}

// addPart joins parts of the same version, as when two destinations lead to it.
func addPart(parts []Part, part Part) []Part {
	for i := range parts {
		if parts[i].Service == part.Service && parts[i].Version == part.Version {
			parts[i].Asked += part.Asked
			parts[i].Seen += part.Seen
			return parts
		}
	}
	return append(parts, part)
}

// versions is who stands behind a destination: the versions of the workloads that its Service and subset select, each with its part of
// the replicas, or the host itself where the overlay has no workload for it.
func versions(o *overlay.Overlay, namespace string, to *networking.Destination) []Part {
	host, ns := shortName(to.GetHost(), namespace)
	selector := selectorOf(o, host, ns)
	if selector == nil {
		return []Part{{Service: to.GetHost(), Version: to.GetSubset(), Asked: 1}}
	}
	selector = maps.Clone(selector)
	maps.Copy(selector, subsetLabels(o, host, ns, to.GetSubset()))
	var parts []Part
	replicas := 0
	for _, d := range o.Deployments {
		if d.Namespace == ns && d.Replicas > 0 && overlay.HasLabels(d.Pod.Labels, selector) {
			replicas += d.Replicas
			parts = addPart(parts, Part{Service: cmp.Or(d.Pod.Labels["app"], host), Version: cmp.Or(d.Pod.Labels["version"], d.Name), Asked: float64(d.Replicas)})
		}
	}
	if len(parts) == 0 {
		return []Part{{Service: host, Version: cmp.Or(to.GetSubset(), "nobody"), Asked: 1}}
	}
	for i := range parts {
		parts[i].Asked /= float64(replicas)
		parts[i].Even = len(parts) > 1
	}
	return parts
}

// shortName splits the name of a Service as Istio reads it: "core", "core.hopline" or "core.hopline.svc.cluster.local".
func shortName(host, namespace string) (name, ns string) {
	name, rest, dotted := strings.Cut(strings.TrimSuffix(host, ".svc.cluster.local"), ".")
	if !dotted {
		return host, namespace
	}
	return name, rest
}

// selectorOf is what a Service selects, or nil where there is none of the name.
func selectorOf(o *overlay.Overlay, name, ns string) map[string]string {
	for _, s := range o.Services {
		if s.Name == name && s.Namespace == ns {
			return s.Selector
		}
	}
	return nil
}

func subsetLabels(o *overlay.Overlay, name, ns, subset string) map[string]string {
	for _, rule := range o.DestinationRules {
		host, hostNS := shortName(rule.Spec.GetHost(), rule.Namespace)
		if host != name || hostNS != ns {
			continue
		}
		for _, s := range rule.Spec.GetSubsets() {
			if s.GetName() == subset {
				return s.GetLabels()
			}
		}
	}
	return nil
}

// withSeen adds what was counted to the rules that asked for it. Default routes, of Services and ServiceEntries, come as rules of their
// own.
func withSeen(rules []Rule, flows []Flow) []Rule {
	rules = cloneRules(rules)
	for _, f := range flows {
		if f.Object == "" || f.Requests == 0 {
			continue
		}
		i := slices.IndexFunc(rules, func(r Rule) bool { return r.Object == f.Object && sameRule(r.Name, f.Rule) })
		if i < 0 {
			if strings.HasPrefix(f.Object, "VirtualService ") {
				continue // a rule that the newest edition has no more
			}
			i = len(rules)
			rules = append(rules, Rule{Object: f.Object, Name: f.Rule, Hosts: []string{f.App}, Matches: []string{}, Does: []string{}, Parts: []Part{}})
		}
		rule := &rules[i]
		rule.Seen += f.Requests
		if f.Code == 0 || f.Code >= 500 {
			rule.Errors += f.Requests
		}
		if f.Workload != "" {
			rule.Parts = addPart(rule.Parts, Part{Service: f.App, Version: f.Version, Seen: f.Requests})
		}
	}
	return rules
}

func cloneRules(rules []Rule) []Rule {
	rules = slices.Clone(rules)
	for i := range rules {
		rules[i].Parts = slices.Clone(rules[i].Parts)
	}
	return rules
}

// sameRule says whether the rule of a decision, such as "http[1].match[0]" or "everybody.mobile", is one of a rule's matches.
func sameRule(name, decided string) bool {
	return name == decided || strings.HasPrefix(decided, name+".")
}
