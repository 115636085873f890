package rules

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// gap is a part of an object that the mesh does not support. The compiled rules are without it.
type gap struct {
	object, path, why string
	affected          affected
	place             string // with affectsRule: "http[1]" or "http[1].match[0]"
	gateway           *overlay.Istio[*networking.Gateway]
	server            *networking.Server // with affectsServer
}

func (g *gap) String() string { return g.object + ": " + g.path + ": " + g.why }

// affected describes the requests that a gap affects.
type affected int

const (
	aside         affected = iota // none: it changes neither the destination nor the mesh's own response
	affectsRule                   // those that the rule, or its compiled rest, matches
	affectsServer                 // those to a server of a Gateway
	affectsCaller                 // those of the callers of a Sidecar
	affectsPolicy                 // those that the two variants of the policies treat differently
)

// maxPasses bounds how often compile prunes: a part that was hidden by another one is found by the next pass.
const maxPasses = 20

// compile compiles the overlay without the parts that the mesh does not support: the limits, and those that Compile reports.
func (r *Rules) compile(limits []overlay.Problem) error {
	p := &pruner{rules: r, removed: map[*networking.Server]bool{}}
	if err := p.pruneAll(limits); err != nil {
		return err
	}
	for range maxPasses {
		table, err := mesh.Compile(r.Overlay)
		var report *overlay.Report
		if !errors.As(err, &report) {
			r.Table = table
			return errors.Join(err, r.compileLax(p.lax))
		}
		if err := p.pruneAll(report.Problems); err != nil {
			return err
		}
	}
	return errors.New("the rules have too many parts that are not supported")
}

// pruneAll removes the parts that problems name. The error has the problems whose parts it cannot remove.
func (p *pruner) pruneAll(problems []overlay.Problem) error {
	rest := p.rules.Overlay.Report()
	for _, problem := range slices.Backward(problems) { // later elements of a list first
		if !p.prune(problem) {
			rest.Problems = append(rest.Problems, problem)
		}
	}
	p.removeServers()
	return rest.Err()
}

// compileLax compiles the overlay with the other variant of its policies.
func (r *Rules) compileLax(policies map[string]*security.AuthorizationPolicy) error {
	if policies == nil {
		return nil
	}
	lax := *r.Overlay
	lax.AuthorizationPolicies = nil
	for _, p := range r.Overlay.AuthorizationPolicies {
		if variant, ok := policies[p.String()]; ok {
			p.Spec = variant
		}
		if p.Spec != nil {
			lax.AuthorizationPolicies = append(lax.AuthorizationPolicies, p)
		}
	}
	var err error
	r.lax, err = mesh.Compile(&lax)
	return err
}

// pruner removes parts of the objects of an overlay.
type pruner struct {
	rules   *Rules
	removed map[*networking.Server]bool
	lax     map[string]*security.AuthorizationPolicy // by object; nil for a policy that the lax variant does not have
}

// prune removes the part that a problem names, and records a gap. It returns false if it cannot.
func (p *pruner) prune(problem overlay.Problem) bool {
	o := p.rules.Overlay
	kind, _, _ := strings.Cut(problem.Object, " ")
	g := gap{object: problem.Object, path: problem.Path, why: problem.Reason}
	ok := false
	if strings.HasPrefix(g.path, "metadata.annotations") && kind != "AuthorizationPolicy" { // they configure Istio itself
		return true
	}
	switch kind {
	case "VirtualService":
		ok = pruneIn(o.VirtualServices, problem, func(v *overlay.Istio[*networking.VirtualService]) bool { return pruneRule(v.Spec, &g) })
	case "DestinationRule":
		ok = pruneIn(o.DestinationRules, problem, func(d *overlay.Istio[*networking.DestinationRule]) bool { return clearPath(d.Spec, g.path) })
	case "Gateway":
		ok = pruneIn(o.Gateways, problem, func(gw *overlay.Istio[*networking.Gateway]) bool { return p.pruneServer(gw, &g) })
	case "ServiceEntry":
		ok = pruneIn(o.ServiceEntries, problem, func(e *overlay.Istio[*networking.ServiceEntry]) bool { return p.pruneEntry(e, &g) })
	case "Sidecar":
		ok = pruneIn(o.Sidecars, problem, func(s *overlay.Istio[*networking.Sidecar]) bool { return pruneSidecar(s.Spec, &g) })
	case "AuthorizationPolicy":
		ok = p.prunePolicy(&g)
	case "HTTPRoute":
		ok = pruneRoute(o, &g)
	case "Gateway." + overlay.GatewayAPI:
		ok = pruneListener(o, &g)
	}
	g.why = strings.Replace(g.why, " by the lab", "", 1)
	if ok && g.why != "" && !p.known(&g) {
		p.rules.gaps = append(p.rules.gaps, g)
	}
	return ok
}

// known reports whether a gap only follows from another one of the same rule.
func (p *pruner) known(g *gap) bool {
	return g.affected == affectsRule && slices.ContainsFunc(p.rules.gaps, func(o gap) bool { return o.object == g.object && o.place == g.place })
}

// pruneIn calls prune with the object of a problem.
func pruneIn[T any](objects []overlay.Istio[T], problem overlay.Problem, prune func(*overlay.Istio[T]) bool) bool {
	for i := range objects {
		if objects[i].String() == problem.Object {
			return prune(&objects[i])
		}
	}
	return false
}

// inRule matches a path in a rule of a VirtualService: the rule, its match block, and the rest.
var inRule = regexp.MustCompile(`^spec\.http\[(\d+)\](?:\.match\[(\d+)\])?\.?(.*)$`)

// pruneRule removes a part of a VirtualService. A rule whose action is not supported keeps its matches, so that the requests that it
// matches are known. Routes of TCP and TLS do not affect HTTP.
func pruneRule(v *networking.VirtualService, g *gap) bool {
	m := inRule.FindStringSubmatch(g.path)
	if m == nil {
		return clearPath(v, g.path)
	}
	i, _ := strconv.Atoi(m[1])
	if i >= len(v.Http) {
		return false
	}
	g.place = "http[" + m[1] + "]"
	switch rest := m[3]; {
	case m[2] != "":
		j, _ := strconv.Atoi(m[2])
		g.affected, g.place = affectsRule, g.place+".match["+m[2]+"]"
		return widen(v.Http[i].Match[j], rest)
	case rest == "" || rest == "delegate":
		g.affected = affectsRule
		v.Http[i] = &networking.HTTPRoute{Name: v.Http[i].Name, Match: v.Http[i].Match, DirectResponse: &networking.HTTPDirectResponse{Status: 501}}
	default:
		return clearPath(v, g.path)
	}
	return true
}

// widen removes a condition of a match block. A block without any other condition must not become one that matches everything: Istio
// sorts such rules last.
func widen(m *networking.HTTPMatchRequest, condition string) bool {
	steps := fieldpath.Steps(condition)
	if len(steps) != 2 || !slices.Contains([]string{"headers", "withoutHeaders"}, steps[0]) {
		return false
	}
	delete(m.Headers, steps[1])
	delete(m.WithoutHeaders, steps[1])
	if m.Uri == nil || m.Uri.GetPrefix() == "/" {
		m.Uri = &networking.StringMatch{MatchType: &networking.StringMatch_Regex{Regex: "/.*"}}
	}
	return true
}

// inServer matches a path in a server of a Gateway.
var inServer = regexp.MustCompile(`^spec\.servers\[(\d+)\]\.(.*)$`)

// pruneServer removes a part of a server of a Gateway. A server of a protocol that is not supported is removed.
func (p *pruner) pruneServer(gw *overlay.Istio[*networking.Gateway], g *gap) bool {
	m := inServer.FindStringSubmatch(g.path)
	if m == nil || m[2] != "port.protocol" {
		return clearPath(gw.Spec, g.path)
	}
	i, _ := strconv.Atoi(m[1])
	s := gw.Spec.Servers[i]
	g.gateway, g.server, g.affected = gw, proto.CloneOf(s), affectsServer
	g.why = strings.ToUpper(s.GetPort().GetProtocol()) + " is not computed"
	p.removed[s] = true
	return true
}

// removeServers removes the servers that pruneServer has marked.
func (p *pruner) removeServers() {
	for i := range p.rules.Overlay.Gateways {
		g := p.rules.Overlay.Gateways[i].Spec
		g.Servers = slices.DeleteFunc(g.Servers, func(s *networking.Server) bool { return p.removed[s] })
	}
}

// pruneEntry removes a part of a ServiceEntry. One whose host the namespace has already only adds endpoints.
func (p *pruner) pruneEntry(e *overlay.Istio[*networking.ServiceEntry], g *gap) bool {
	switch {
	case g.path == "spec.hosts":
		object := e.String()
		p.rules.Overlay.ServiceEntries = slices.DeleteFunc(p.rules.Overlay.ServiceEntries,
			func(e overlay.Istio[*networking.ServiceEntry]) bool { return e.String() == object })
		g.why = "its endpoints are not added to those of the same host: " + g.why
		return true
	case strings.HasSuffix(g.path, "].address"):
		return clearPath(e.Spec, strings.TrimSuffix(g.path, ".address"))
	}
	return clearPath(e.Spec, g.path)
}

// pruneSidecar removes a part of a Sidecar. Listeners of single ports make hosts visible on those ports only.
func pruneSidecar(s *networking.Sidecar, g *gap) bool {
	switch {
	case strings.HasPrefix(g.path, "spec.outboundTrafficPolicy"):
		s.OutboundTrafficPolicy = nil
		g.path, g.why = "spec.outboundTrafficPolicy", "requests to unknown hosts get the response of REGISTRY_ONLY"
		return true
	case strings.HasPrefix(g.path, "spec.egress["):
		g.affected = affectsCaller
	}
	return clearPath(s, g.path)
}

// inPolicy matches a path in a rule of an AuthorizationPolicy.
var inPolicy = regexp.MustCompile(`^spec\.rules\[(\d+)\](?:\.|$)`)

// prunePolicy replaces an AuthorizationPolicy by two variants: one that is certain to deny whatever the policy may deny, in the overlay, and
// one that is certain to allow whatever it may allow, in the lax overlay. A request is decided if both treat it alike.
func (p *pruner) prunePolicy(g *gap) bool {
	list := p.rules.Overlay.AuthorizationPolicies
	i := slices.IndexFunc(list, func(a overlay.Istio[*security.AuthorizationPolicy]) bool { return a.String() == g.object })
	if i < 0 {
		return true // an earlier problem has removed it
	}
	policy := &list[i]
	if p.lax == nil {
		p.lax = map[string]*security.AuthorizationPolicy{}
	}
	switch {
	case strings.HasPrefix(g.path, "metadata.annotations") && policy.Annotations["istio.io/dry-run"] == "false":
		policy.Annotations, g.why = nil, ""
		return true
	case strings.HasPrefix(g.path, "metadata.annotations"), policy.Spec.GetAction() == security.AuthorizationPolicy_AUDIT:
		p.rules.Overlay.AuthorizationPolicies = slices.Delete(slices.Clone(list), i, i+1)
		delete(p.lax, g.object)
		g.why = auditDecides
		return true
	case policy.Spec.GetAction() == security.AuthorizationPolicy_CUSTOM:
		g.affected = affectsPolicy
		policy.Spec = proto.CloneOf(policy.Spec)
		policy.Spec.Action = security.AuthorizationPolicy_DENY
		policy.Spec.ActionDetail = nil
		p.lax[g.object] = nil
		return true
	}
	m := inPolicy.FindStringSubmatch(g.path)
	if m == nil {
		return false
	}
	n, _ := strconv.Atoi(m[1])
	g.affected = affectsPolicy
	deny := policy.Spec.GetAction() == security.AuthorizationPolicy_DENY
	lax, known := p.lax[g.object]
	switch {
	case known && lax == nil: // of action CUSTOM
		return clearPath(policy.Spec, g.path)
	case !known:
		lax = proto.CloneOf(policy.Spec)
	}
	wide, narrow := policy.Spec, lax
	if !deny {
		wide, narrow = lax, policy.Spec
	}
	clearPath(wide, g.path)
	never(narrow.Rules[n])
	p.lax[g.object] = lax
	return true
}

// never makes a rule of a policy match no request.
func never(r *security.Rule) {
	proto.Reset(r)
	r.To = []*security.Rule_To{{Operation: &security.Operation{Methods: []string{"no method"}}}}
}
