package mesh

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	security "istio.io/api/security/v1beta1"
)

// policies holds the AuthorizationPolicies by the namespace of the workloads that they protect. The key "" holds those of the root
// namespace, which protect all workloads and gateways. Policies with the action AUDIT are left out: they do not affect requests.
type policies map[string][]*accessPolicy

// accessPolicy holds one AuthorizationPolicy.
type accessPolicy struct {
	object   string
	deny     bool
	selector map[string]string
	rules    []accessRule
}

// newPolicies compiles the AuthorizationPolicies of an overlay.
func newPolicies(o *overlay.Overlay, report *overlay.Report) *policies {
	out := policies{}
	for i := range o.AuthorizationPolicies {
		p := &o.AuthorizationPolicies[i]
		if _, ok := p.Annotations["istio.io/dry-run"]; ok {
			report.Add(p.String(), "metadata.annotations", "istio.io/dry-run is not supported by the lab")
		}
		one := &accessPolicy{object: p.String(), selector: p.Spec.GetSelector().GetMatchLabels()}
		switch p.Spec.GetAction() {
		case security.AuthorizationPolicy_ALLOW, security.AuthorizationPolicy_AUDIT:
		case security.AuthorizationPolicy_DENY:
			one.deny = true
		default:
			report.Add(p.String(), "spec.action", "%s is not supported by the lab: want ALLOW, DENY or AUDIT", p.Spec.GetAction())
		}
		for j, r := range p.Spec.GetRules() {
			checkAccess(o, p.String(), fmt.Sprintf("spec.rules[%d]", j), r, report)
			one.rules = append(one.rules, newAccessRule(p.Namespace, r))
		}
		if p.Spec.GetAction() != security.AuthorizationPolicy_AUDIT {
			namespace := p.Namespace
			if namespace == istio.RootNamespace {
				namespace = ""
			}
			out[namespace] = append(out[namespace], one)
		}
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b *accessPolicy) int { return cmp.Compare(a.object, b.object) })
	}
	return &out
}

// verdict is the decision of the policies about a request.
type verdict struct {
	allowed bool
	policy  *accessPolicy // that decides; nil if none selects the destination
	rule    int           // of the policy, that matches the request; -1 if no policy matches it
}

// matching returns the first rule that matches a request; -1 for none.
func (p *accessPolicy) matching(a *access) int {
	return slices.IndexFunc(p.rules, func(r accessRule) bool { return r.matches(a) })
}

// Authorize reports whether the proxy of to accepts a request, and which policy decides. The policy is empty if none selects to. For a
// workload, namespace and labels select policies. The request is as its sidecar sees it: the path is rewritten, the headers are changed, and
// the port is the container's. For a gateway, the request is as it arrives: the path is not rewritten, and the port is that of the Gateway's
// server. A caller without identity (nil or without a principal) has no principal to match. The same is true of every caller of a gateway
// whose server uses plain HTTP.
//
// If any DENY policy matches, the request is denied. Otherwise, if any ALLOW policy selects to, one of them must match.
// (https://istio.io/latest/docs/concepts/security/#implicit-enablement)
func (t *Table) Authorize(from, to *Source, req *Request) (allowed bool, policy string) {
	v := t.judge(from, to, req)
	if v.policy == nil {
		return v.allowed, ""
	}
	return v.allowed, v.policy.object
}

// judge returns the decision of Authorize with its reason.
func (t *Table) judge(from, to *Source, req *Request) verdict {
	everywhere, own := (*t.policies)[""], (*t.policies)[to.Namespace]
	if len(everywhere)+len(own) == 0 {
		return verdict{allowed: true, rule: -1}
	}
	a := t.accessTo(from, to, req)
	for _, list := range [...][]*accessPolicy{everywhere, own} {
		for _, p := range list {
			if p.deny && istio.HasLabels(to.Labels, p.selector) {
				if n := p.matching(&a); n >= 0 {
					return verdict{policy: p, rule: n}
				}
			}
		}
	}
	v := verdict{allowed: true, rule: -1}
	for _, list := range [...][]*accessPolicy{everywhere, own} {
		for _, p := range list {
			if p.deny || !istio.HasLabels(to.Labels, p.selector) {
				continue
			}
			if n := p.matching(&a); n >= 0 {
				return verdict{allowed: true, policy: p, rule: n}
			}
			v.allowed, v.policy = false, p
		}
	}
	return v
}

// accessTo returns what the policies of to check of a request.
func (t *Table) accessTo(from, to *Source, req *Request) access {
	if !to.Gateway {
		return newAccess(from, to, req)
	}
	tls := noTLS
	if host := t.view(to).ports[req.Port].find(req.Authority); host != nil {
		tls = host.tls
	}
	if tls != mutualTLS {
		from = nil
	}
	a := newAccess(from, to, req)
	a.port, a.tls = istio.GatewayTarget(req.Port), tls
	return a
}

// refusal returns why the proxy of to does not accept a request; empty if it does. See Authorize.
func (t *Table) refusal(from, to *Source, req *Request) string {
	switch v := t.judge(from, to, req); {
	case v.allowed:
		return ""
	case v.policy.deny:
		return fmt.Sprintf("%s denies it by rules[%d]", v.policy.object, v.rule)
	}
	return "no AuthorizationPolicy allows it"
}
