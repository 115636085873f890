package mesh

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/gatewayapi"
	"github.com/hopline/hopline/lab/overlay"
)

// Conditions lists the status of the Gateways and HTTPRoutes of the Gateway API, as Istio would write it. It is never nil.
func (t *Table) Conditions() []gatewayapi.Condition { return t.compiler.routes.Conditions }

// checkConditions reports the conditions that are not true. Kubernetes accepts such objects, and Istio writes the reason to their status; a
// lenient overlay keeps them, with Istio's response.
func (c *compiler) checkConditions(report *overlay.Report) {
	for _, f := range c.routes.Conditions {
		if !f.True && (!c.overlay.Lenient || strings.Contains(f.Message, "the lab")) {
			report.Add(f.Object, f.Path, "%s (%s is False: %s)", f.Message, f.Type, f.Reason)
		}
	}
}

// routes notes the conditions that are not true, of routes whose rules were consulted or that name the host. It also notes the rules that
// match the request too, but have lower precedence than the rule that decided.
func (n *nearness) routes(e *Explanation) {
	objects := n.objects()
	for _, c := range n.table.Conditions() {
		if !c.True && objects[c.Object] {
			n.add("%s", c)
		}
	}
	if e.Taken != nil {
		n.shadowed(e)
	}
}

// objects returns the objects that are noted: HTTPRoutes with the request's host, and at a gateway the Gateways.
func (n *nearness) objects() map[string]bool {
	out := map[string]bool{}
	for i := range n.table.compiler.overlay.HTTPRoutes {
		r := &n.table.compiler.overlay.HTTPRoutes[i]
		out[r.String()] = n.concerned(r)
	}
	for i := range n.table.compiler.overlay.KubernetesGateways {
		out[n.table.compiler.overlay.KubernetesGateways[i].String()] = n.src.Gateway
	}
	return out
}

// concerned reports whether an HTTPRoute is for the request's host: at a gateway by its hostnames, else by the Services that it names.
func (n *nearness) concerned(r *overlay.HTTPRoute) bool {
	for _, p := range r.Spec.ParentRefs {
		namespace := cmp.Or(p.Namespace, r.Namespace)
		switch {
		case n.src.Gateway && p.Kind == "Gateway":
			if len(r.Spec.Hostnames) == 0 || slices.ContainsFunc(r.Spec.Hostnames, func(h string) bool { return covers(h, n.host) }) {
				return true
			}
		case !n.src.Gateway && p.Kind == "Service" && NamesService(n.host, p.Name, namespace, n.src.Namespace):
			return true
		}
	}
	return false
}

// shadowed notes the rules of other HTTPRoutes of the virtual host that match the request as well, and the reason of the order.
func (n *nearness) shadowed(e *Explanation) {
	host := n.table.view(n.src).ports[n.req.Port].find(n.req.Authority)
	if host == nil {
		return
	}
	path, query := splitPath(n.req.Path)
	taken := -1
	for i := range host.rules {
		r := host.rules[i].route
		switch {
		case taken < 0 && r.Object == e.Taken.Object && r.Place == e.Taken.Place:
			taken = i
		case taken < 0 || r.Object == e.Taken.Object || !host.rules[i].match.matches(n.req, path, query):
		default:
			before := n.table.compiler.order(host.rules[taken].route, r)
			if before == "" {
				continue
			}
			j := Judgement{Object: r.Object, Rule: r.Rule, Place: r.Place}
			n.add("%s matches as well, and %s has precedence: %s", j.Name(), e.Taken.Name(), before)
		}
	}
}

// order returns why a rule of an HTTPRoute has precedence over that of another one; "" if either is of no HTTPRoute.
func (c *compiler) order(a, b *Route) string {
	x, y := c.routes.Find(a.Object, a.Place), c.routes.Find(b.Object, b.Place)
	if x == nil || y == nil {
		return ""
	}
	return gatewayapi.Before(x, y)
}
