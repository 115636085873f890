package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/overlay"
)

// The bounds of an HTTPRoute, by its CustomResourceDefinition. Longer ones are divided.
const (
	maxRules   = 16
	maxMatches = 128 // of all rules
)

// route is an HTTPRoute that is being built, or several if it has too many rules for one.
type route struct {
	overlay.Meta
	target
	rules []draft
	from  *overlay.Istio[*networking.VirtualService]
}

// findRoutes converts all VirtualServices, in Istio's order.
func (c *converter) findRoutes() {
	all := slices.Clone(c.overlay.VirtualServices)
	slices.SortStableFunc(all, func(a, b overlay.Istio[*networking.VirtualService]) int { return a.CompareAge(b.Meta) })
	var claims []claim
	for i := range all {
		v := &all[i]
		c.out.Replaced = append(c.out.Replaced, v.Meta)
		if len(v.Spec.GetHosts()) == 0 {
			c.reject(v, "spec.hosts", "want hosts, got none: these are the rules of a delegate, and an HTTPRoute cannot delegate")
			continue
		}
		targets := c.targets(v)
		for _, t := range targets {
			r := &route{target: t, from: v}
			if r.rules = arrange(c.drafts(v, &r.target)); len(r.rules) == 0 {
				continue
			}
			r.Meta = overlay.Meta{APIVersion: overlay.GatewayAPI + "/v1", Kind: "HTTPRoute", Namespace: t.namespace, Name: v.Name, Labels: v.Labels}
			if len(targets) > 1 {
				r.Name += "-" + t.suffix
			}
			c.routes = append(c.routes, r)
			claims = append(claims, claim{r.Meta, v.String() + " " + t.suffix})
		}
	}
	for i, m := range c.names.give(claims) {
		c.routes[i].Meta = m
	}
	c.nameGateways()
}

// addRoutes writes the HTTPRoutes.
func (c *converter) addRoutes() {
	slices.SortStableFunc(c.routes, func(a, b *route) int { return byPlace(a.Meta, b.Meta) })
	for _, r := range c.routes {
		for i, g := range r.gateways {
			r.parents[i].Name = g.Name
			if g.Namespace != r.Namespace {
				r.parents[i].Namespace = g.Namespace
			}
		}
		parts := r.parts()
		for i, names := 0, c.partNames(r.Meta, len(parts)); i < len(parts); i++ {
			o := Object{Meta: names[i], of: r.from.String()}
			spec := &overlay.HTTPRouteSpec{ParentRefs: r.parents, Hostnames: r.hostnames}
			for _, d := range parts[i] {
				spec.Rules = append(spec.Rules, d.written())
				o.rules = append(o.rules, d.from)
			}
			nameRules(spec.Rules)
			o.Spec = spec
			c.out.Objects = append(c.out.Objects, o)
		}
	}
}

// parts divides the rules into as many HTTPRoutes as they need.
func (r *route) parts() (parts [][]draft) {
	matches := 0
	for i, d := range r.rules {
		matches += len(d.Matches)
		if last := len(parts) - 1; i == 0 || len(parts[last]) == maxRules || matches > maxMatches {
			parts, matches = append(parts, nil), len(d.Matches)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], d)
	}
	return parts
}

// partNames names the parts of a route so that their names have the order of their rules: of equal matches, istiod tries that of the route
// whose name, followed by ~, is first. So the first part has a number too, because a hyphen is before ~.
func (c *converter) partNames(m overlay.Meta, n int) []overlay.Meta {
	if n == 1 {
		c.names.take(m)
		return []overlay.Meta{m}
	}
	var out []overlay.Meta
	for i := range n {
		part := m
		part.Name = fmt.Sprintf("%s-%03d", m.Name, i+1)
		if c.names[part.String()] {
			m.Name += "-" + digest(m.String())
			return c.partNames(m, n)
		}
		out = append(out, part)
	}
	for _, part := range out {
		c.names.take(part)
	}
	return out
}

// nameRules makes the names of rules valid and unique.
func nameRules(rules []overlay.HTTPRouteRule) {
	seen := map[string]bool{}
	for i := range rules {
		var parts []string
		for _, part := range strings.Split(rules[i].Name, ".") {
			if part = validName(part); part != "" {
				parts = append(parts, part)
			}
		}
		base := strings.Join(parts, ".")
		name := base
		for n := 2; name != "" && seen[name]; n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		seen[name], rules[i].Name = true, name
	}
}

// written returns the rule as it is written: without default values.
func (d *draft) written() overlay.HTTPRouteRule {
	out := d.HTTPRouteRule
	out.Matches = nil
	for _, m := range d.Matches {
		if m.Path.Type == prefixType && *m.Path.Value == "/" && len(m.Headers)+len(m.QueryParams)+len(m.Method) > 0 {
			m.Path = nil
		}
		out.Matches = append(out.Matches, m)
	}
	if len(out.Matches) == 1 && len(out.Matches[0].Headers)+len(out.Matches[0].QueryParams)+len(out.Matches[0].Method) == 0 && isAnyPath(out.Matches[0].Path) && !d.fixed {
		out.Matches = nil
	}
	return out
}

// sortMatches orders conditions by name, so that the output is stable.
func sortMatches(list []overlay.HTTPMatch) []overlay.HTTPMatch {
	slices.SortFunc(list, func(a, b overlay.HTTPMatch) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
