package console

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rulewords"
	"github.com/hopline/hopline/lab/traffic"
)

// Rule is one http rule of a VirtualService, one rule of an HTTPRoute, or the default of a Service or ServiceEntry without one: what it configures, and the traffic
// observed.
type Rule struct {
	Object   string   `json:"object"` // "VirtualService hopline/middle"
	Name     string   `json:"name"`   // "everybody", or its position "http[1]"
	Hosts    []string `json:"hosts"`
	Gateway  bool     `json:"gateway"` // whether it applies to requests at gateways,
	At       []string `json:"at"`      // and at which: "istio-ingressgateway"
	Callers  string   `json:"callers"` // the callers of these parts, where the parts differ between callers
	Matches  []string `json:"matches"` // one of them is enough; none: every request
	Does     []string `json:"does"`    // besides routing: "timeout 2s", "20 retries on 5xx"
	Parts    []Part   `json:"parts"`
	Requests uint64   `json:"requests"` // requests since this edition of the rules started to run
	Errors   uint64   `json:"errors"`   // of them failed

	Failures []Failure `json:"failures"` // reasons, the most frequent first
}

// Failure counts the requests of a rule that failed for one reason.
type Failure struct {
	Why      string `json:"why"` // "503 no healthy upstream", "500 from the upstream"
	Requests uint64 `json:"requests"`
}

// Part is the share of one version in a rule.
type Part struct {
	Service    string  `json:"service"`
	Version    string  `json:"version"`
	Configured float64 `json:"configured"` // from 0 to 1; 0 for a version without a weight
	Even       bool    `json:"even"`       // the share is not configured: ready pods share a destination evenly
	Requests   uint64  `json:"requests"`
}

// configured returns the rules of a table as they are shown, without traffic.
func configured(of []mesh.Rule) []Rule {
	rules := []Rule{}
	for _, r := range of {
		rule := Rule{Object: r.Object, Name: r.Name, Hosts: r.Hosts, Gateway: r.Gateway, At: some(r.At), Callers: r.Callers, Matches: []string{}, Does: rulewords.Does(r.HTTP), Parts: []Part{}, Failures: []Failure{}}
		for _, match := range r.HTTP.GetMatch() {
			words := rulewords.Match(match)
			if words == "" {
				rule.Matches = []string{}
				break
			}
			rule.Matches = append(rule.Matches, words)
		}
		for _, share := range r.Shares {
			for _, part := range partsOf(share) {
				rule.Parts = addPart(rule.Parts, part)
			}
		}
		rules = append(rules, rule)
	}
	return rules
}

// partsOf returns the versions behind a destination, or the host itself where the overlay has no workload for it.
func partsOf(share mesh.Share) []Part {
	c := share.Cluster
	switch {
	case c.Gateway != "":
		return []Part{{Service: c.Gateway, Configured: share.Percent / 100}}
	case len(share.Backends) == 0 && c.Known && c.Selector == nil:
		return []Part{{Service: c.Host, Version: c.Subset, Configured: share.Percent / 100}}
	case len(share.Backends) == 0:
		return []Part{{Service: c.Host, Version: cmp.Or(c.Subset, "nobody"), Configured: share.Percent / 100}}
	}
	var parts []Part
	for _, b := range share.Backends {
		labels := b.Deployment.Pod.Labels
		parts = addPart(parts, Part{Service: cmp.Or(labels["app"], c.Host), Version: cmp.Or(labels["version"], b.Deployment.Name), Configured: b.Percent / 100})
	}
	for i := range parts {
		parts[i].Even = len(parts) > 1
	}
	return parts
}

// addPart adds a part, or merges it with the part of the same version, as when two destinations route to it.
func addPart(parts []Part, part Part) []Part {
	for i := range parts {
		if parts[i].Service == part.Service && parts[i].Version == part.Version {
			parts[i].Configured += part.Configured
			parts[i].Requests += part.Requests
			return parts
		}
	}
	return append(parts, part)
}

// withRequests adds the counted requests to the rules that matched them. Default routes, of Services and ServiceEntries, become rules of their
// own.
func withRequests(rules []Rule, flows []traffic.Flow) []Rule {
	rules = cloneRules(rules)
	for _, f := range flows {
		if f.Object == "" || f.Requests == 0 {
			continue
		}
		i := slices.IndexFunc(rules, func(r Rule) bool { return r.Object == f.Object && r.Callers == f.Callers && sameRule(r.Name, f.Rule) })
		if i < 0 {
			if strings.HasPrefix(f.Object, "VirtualService ") || strings.HasPrefix(f.Object, "HTTPRoute ") {
				continue // a rule that the newest edition no longer has
			}
			i = len(rules)
			rules = append(rules, Rule{Object: f.Object, Name: f.Rule, Hosts: []string{f.App}, At: []string{}, Matches: []string{}, Does: []string{}, Parts: []Part{}, Failures: []Failure{}})
		}
		rule := &rules[i]
		rule.Requests += f.Requests
		if f.Failed() {
			rule.Errors += f.Requests
			rule.Failures = addFailure(rule.Failures, Failure{failureText(f), f.Requests})
		}
		if f.Workload != "" {
			rule.Parts = addPart(rule.Parts, Part{Service: f.App, Version: f.Version, Requests: f.Requests})
		}
	}
	for i := range rules {
		slices.SortStableFunc(rules[i].Failures, func(a, b Failure) int {
			return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Why, b.Why))
		})
	}
	return rules
}

func addFailure(failures []Failure, failure Failure) []Failure {
	for i := range failures {
		if failures[i].Why == failure.Why {
			failures[i].Requests += failure.Requests
			return failures
		}
	}
	return append(failures, failure)
}

func cloneRules(rules []Rule) []Rule {
	rules = slices.Clone(rules)
	for i := range rules {
		rules[i].Parts, rules[i].Failures = slices.Clone(rules[i].Parts), slices.Clone(rules[i].Failures)
	}
	return rules
}

// sameRule reports whether the rule of a decision, such as "http[1].match[0]" or "everybody.mobile", is one of a rule's matches.
func sameRule(name, decided string) bool {
	return name == decided || strings.HasPrefix(decided, name+".")
}
