package mesh

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	security "istio.io/api/security/v1beta1"
)

// policies holds the AuthorizationPolicies by the namespace of the workloads that they protect. The key "" holds those of the root
// namespace, which protect all workloads and gateways.
type policies map[string][]*accessPolicy

// accessPolicy holds one AuthorizationPolicy.
type accessPolicy struct {
	object   string
	deny     bool
	selector map[string]string
	rules    []accessRule
}

// accessRule matches when one entry of from and one entry of to match. An empty list matches everything.
type accessRule struct {
	from []accessSource
	to   []accessOperation
}

// accessSource matches the caller of a request.
type accessSource struct {
	principals, namespaces valueList
}

// accessOperation matches the operation of a request: its host, port, method and path.
type accessOperation struct {
	hosts, methods, paths valueList
	ports, notPorts       []int
}

// valueList matches a value that is in some (any value if some is empty) and not in others.
type valueList struct {
	in, not []valueMatch
}

// valueMatch matches a value, with an optional star at one end: "abc*", "*abc", or "*" for any value that is present.
// (https://istio.io/latest/docs/reference/config/security/authorization-policy/#Rule)
type valueMatch struct {
	kind valueKind
	text string
	fold bool
}

type valueKind uint8

const (
	valueExact valueKind = iota
	valueHead
	valueTail
	valuePresent
)

func newValueMatches(values []string, fold bool) []valueMatch {
	var out []valueMatch
	for _, v := range values {
		m := valueMatch{text: v, fold: fold}
		switch {
		case v == "*":
			m.kind, m.text = valuePresent, ""
		case strings.HasPrefix(v, "*"):
			m.kind, m.text = valueTail, v[1:]
		case strings.HasSuffix(v, "*"):
			m.kind, m.text = valueHead, v[:len(v)-1]
		}
		out = append(out, m)
	}
	return out
}

func newValueList(in, not []string, fold bool) valueList {
	return valueList{newValueMatches(in, fold), newValueMatches(not, fold)}
}

func (m *valueMatch) matches(value string) bool {
	n := len(m.text)
	switch m.kind {
	case valuePresent:
		return value != ""
	case valueHead:
		return len(value) >= n && m.same(value[:n])
	case valueTail:
		return len(value) >= n && m.same(value[len(value)-n:])
	default:
		return m.same(value)
	}
}

func (m *valueMatch) same(value string) bool {
	if m.fold {
		return equalFold(value, m.text)
	}
	return value == m.text
}

// matches reports whether the list accepts a value. An absent value, such as the principal of a caller without identity, is in no list.
func (l *valueList) matches(value string, there bool) bool {
	among := func(list []valueMatch) bool {
		return there && slices.ContainsFunc(list, func(m valueMatch) bool { return m.matches(value) })
	}
	return (len(l.in) == 0 || among(l.in)) && !among(l.not)
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
		case security.AuthorizationPolicy_ALLOW:
		case security.AuthorizationPolicy_DENY:
			one.deny = true
		default:
			report.Add(p.String(), "spec.action", "%s is not supported by the lab: want ALLOW or DENY", p.Spec.GetAction())
		}
		for j, r := range p.Spec.GetRules() {
			checkAccess(p.String(), fmt.Sprintf("spec.rules[%d]", j), r, report)
			one.rules = append(one.rules, newAccessRule(r))
		}
		namespace := p.Namespace
		if namespace == istio.RootNamespace {
			namespace = ""
		}
		out[namespace] = append(out[namespace], one)
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b *accessPolicy) int { return cmp.Compare(a.object, b.object) })
	}
	return &out
}

// deny reports whether an object is a DENY policy; if not, it is an ALLOW policy.
func (p policies) deny(object string) bool {
	for _, list := range p {
		for _, one := range list {
			if one.object == object {
				return one.deny
			}
		}
	}
	return false
}

func newAccessRule(r *security.Rule) accessRule {
	var out accessRule
	for _, f := range r.GetFrom() {
		s := f.GetSource()
		out.from = append(out.from, accessSource{
			principals: newValueList(s.GetPrincipals(), s.GetNotPrincipals(), false),
			namespaces: newValueList(s.GetNamespaces(), s.GetNotNamespaces(), false),
		})
	}
	for _, t := range r.GetTo() {
		op := t.GetOperation()
		out.to = append(out.to, accessOperation{
			hosts:   newValueList(op.GetHosts(), op.GetNotHosts(), true),
			methods: newValueList(op.GetMethods(), op.GetNotMethods(), false),
			paths:   newValueList(op.GetPaths(), op.GetNotPaths(), false),
			ports:   numbers(op.GetPorts()), notPorts: numbers(op.GetNotPorts()),
		})
	}
	return out
}

// numbers parses ports. It skips invalid ones: an earlier check rejects them.
func numbers(ports []string) []int {
	var out []int
	for _, p := range ports {
		if n, err := strconv.Atoi(p); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// access holds the parts of a request that policies check.
type access struct {
	principal, namespace string
	identified           bool
	host, method, path   string
	port                 int
}

func newAccess(from *Source, req *Request, port int) access {
	path, _ := splitPath(req.Path)
	a := access{host: req.Authority, method: req.Method, path: path, port: port}
	if from != nil && from.Principal != "" {
		a.identified, a.principal, a.namespace = true, from.Principal, principalNamespace(from.Principal)
	}
	return a
}

// principalNamespace returns the namespace in "trust.domain/ns/<namespace>/sa/<account>".
func principalNamespace(principal string) string {
	_, rest, _ := strings.Cut(principal, "/ns/")
	namespace, _, _ := strings.Cut(rest, "/")
	return namespace
}

func (r *accessRule) matches(a *access) bool {
	from := len(r.from) == 0 || slices.ContainsFunc(r.from, func(s accessSource) bool {
		return s.principals.matches(a.principal, a.identified) && s.namespaces.matches(a.namespace, a.identified)
	})
	to := len(r.to) == 0 || slices.ContainsFunc(r.to, func(o accessOperation) bool {
		return (len(o.ports) == 0 || slices.Contains(o.ports, a.port)) && !slices.Contains(o.notPorts, a.port) &&
			o.hosts.matches(a.host, true) && o.methods.matches(a.method, true) && o.paths.matches(a.path, true)
	})
	return from && to
}

func (p *accessPolicy) matches(a *access) bool {
	return slices.ContainsFunc(p.rules, func(r accessRule) bool { return r.matches(a) })
}

// Authorize reports whether the proxy of to accepts a request, and which policy decides. The policy is empty if none selects to. For a
// workload, namespace and labels select policies. The request is as its sidecar sees it: the path is rewritten, and the port is the
// container's. For a gateway, the request is as it arrives: the path is not rewritten, and the port is that of the Gateway's server. A
// caller without identity (nil or without a principal) has no principal to match. The same is true of every caller of a gateway whose
// server uses plain HTTP.
//
// If any DENY policy matches, the request is denied. Otherwise, if any ALLOW policy selects to, one of them must match.
// (https://istio.io/latest/docs/concepts/security/#implicit-enablement)
func (t *Table) Authorize(from, to *Source, req *Request) (allowed bool, policy string) {
	everywhere, own := (*t.policies)[""], (*t.policies)[to.Namespace]
	if len(everywhere)+len(own) == 0 {
		return true, ""
	}
	port := req.Port
	if to.Gateway {
		port = istio.GatewayTarget(req.Port)
		if host := t.view(to).ports[req.Port].find(req.Authority); host == nil || !host.mutual {
			from = nil
		}
	}
	a := newAccess(from, req, port)
	for _, list := range [...][]*accessPolicy{everywhere, own} {
		for _, p := range list {
			if p.deny && istio.HasLabels(to.Labels, p.selector) && p.matches(&a) {
				return false, p.object
			}
		}
	}
	for _, list := range [...][]*accessPolicy{everywhere, own} {
		for _, p := range list {
			if p.deny || !istio.HasLabels(to.Labels, p.selector) {
				continue
			}
			if p.matches(&a) {
				return true, p.object
			}
			policy = p.object
		}
	}
	return policy == "", policy
}
