package mesh

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// Rule is one http rule of a VirtualService as its callers meet it.
type Rule struct {
	Object  string                // "VirtualService hopline/middle"
	Name    string                // the rule's name, or its place
	Place   string                // "http[1]"
	Hosts   []string              // of its VirtualService, as written
	Gateway bool                  // whether its VirtualService is bound to a Gateway
	At      []string              // the gateways whose requests meet it: "istio-ingressgateway"
	HTTP    *networking.HTTPRoute // as written
	// Callers says whom the shares are for, such as "namespace hopline", where they are not the same for all callers; see Route.Callers.
	Callers string
	// Shares are those of its routes; none for a redirect, a direct response, and a rule that no caller meets.
	Shares []Share
}

// Rules lists the http rules of all VirtualServices, in the overlay's order. A rule whose shares depend on the caller is listed once for
// each group of callers.
func (t *Table) Rules() []Rule { return t.rules }

// caller is the callers that have one view.
type caller struct {
	view      *view
	namespace string
	workloads []string // "hopline/front-blue", or the gateway's name
	gateway   bool
}

// addCaller notes who calls by a view.
func (t *Table) addCaller(src *Source, v *view) {
	i := slices.IndexFunc(t.callers, func(c caller) bool { return c.view == v })
	if i < 0 {
		i = len(t.callers)
		t.callers = append(t.callers, caller{view: v, namespace: src.Namespace, gateway: src.Gateway})
	}
	t.callers[i].workloads = append(t.callers[i].workloads, src.Namespace+"/"+src.Workload)
}

// addCallers compiles the views of all sources: the gateways, and the Deployments with a sidecar. In an overlay without any, rules are
// those that a sidecar in one of the VirtualServices' namespaces would meet.
func (t *Table) addCallers() {
	ingress, egress := IngressGateway(), EgressGateway()
	for _, d := range t.compiler.overlay.Deployments {
		src, bare := SourceOf(t.compiler.overlay, d)
		v := t.addView(&src)
		if !bare {
			t.addCaller(&src, v)
			t.sidecars = true
		}
	}
	for _, v := range t.compiler.rules {
		if src := (Source{Namespace: v.namespace}); !t.sidecars {
			t.addCaller(&src, t.addView(&src))
		}
	}
	t.addCaller(&ingress, t.addView(&ingress))
	t.addCaller(&egress, t.addView(&egress))
}

// met is a rule's routes for callers that get the same shares.
type met struct {
	key     string // the shares
	known   int    // how many of its destinations there are
	callers []int  // of Table.callers
	routes  []*Route
}

// collectRules lists the rules, and marks the routes of those whose shares depend on the caller.
func (t *Table) collectRules() {
	found := map[string][]met{}
	keys := map[*Cluster]string{}
	for i, c := range t.callers {
		for at, m := range c.view.met(keys) {
			m.callers = []int{i}
			groups := found[at]
			if same := slices.IndexFunc(groups, func(g met) bool { return g.key == m.key }); same >= 0 {
				groups[same].callers = append(groups[same].callers, i)
				groups[same].routes = append(groups[same].routes, m.routes...)
			} else {
				found[at] = append(groups, m)
			}
		}
	}
	for _, vs := range t.compiler.overlay.VirtualServices {
		gateway := slices.ContainsFunc(vs.Spec.GetGateways(), func(g string) bool { return g != meshGateway })
		for i, h := range vs.Spec.GetHttp() {
			place := fmt.Sprintf("http[%d]", i)
			rule := Rule{Object: vs.String(), Name: cmp.Or(h.GetName(), place), Place: place, Hosts: vs.Spec.GetHosts(), Gateway: gateway, HTTP: h}
			t.rules = append(t.rules, t.ofCallers(rule, found[rule.Object+" "+place])...)
		}
	}
}

// ofCallers is a rule for each group of callers that meets it.
func (t *Table) ofCallers(rule Rule, groups []met) []Rule {
	if len(groups) == 0 {
		return []Rule{rule}
	}
	rules := make([]Rule, len(groups))
	for i, g := range groups {
		rules[i] = rule
		rules[i].Shares, rules[i].At = t.Shares(g.routes[0]), t.gateways(g.callers)
		if len(groups) == 1 {
			break
		}
		rules[i].Callers = t.callersText(g.callers)
		for _, r := range g.routes {
			r.Callers = rules[i].Callers
		}
	}
	return rules
}

// gateways names those of callers that are gateways.
func (t *Table) gateways(of []int) []string {
	var names []string
	for _, i := range of {
		if t.callers[i].gateway {
			for _, name := range t.callers[i].workloads {
				names = append(names, path.Base(name))
			}
		}
	}
	return names
}

// callersText names callers by their namespace, or one by one where others of the namespace are not among them.
func (t *Table) callersText(of []int) string {
	var names []string
	for _, i := range of {
		c := t.callers[i]
		apart := func(j int) bool {
			o := t.callers[j]
			return o.namespace == c.namespace && o.gateway == c.gateway && !slices.Contains(of, j)
		}
		others := false
		for j := range t.callers {
			others = others || apart(j)
		}
		switch {
		case c.gateway, others:
			names = append(names, c.workloads...)
		default:
			names = append(names, "namespace "+c.namespace)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// met gives the routes of each http rule that callers with this view meet, by object and place. On several ports a destination without
// a port of its own may be another one: then those of the ports with the most known destinations hold.
func (v *view) met(keys map[*Cluster]string) map[string]met {
	out := map[string]met{}
	for _, port := range v.gatewayPorts() {
		for _, host := range v.ports[port].hosts() {
			for i := range host.rules {
				r := host.rules[i].route
				if r.Place == "" {
					continue
				}
				place, _, _ := strings.Cut(r.Place, ".")
				at := r.Object + " " + place
				m := met{routes: []*Route{r}}
				m.key, m.known = r.sharesKey(keys)
				switch old, ok := out[at]; {
				case !ok || m.known > old.known:
					out[at] = m
				case m.key == old.key:
					old.routes = append(old.routes, r)
					out[at] = old
				}
			}
		}
	}
	return out
}

// sharesKey is the same for routes with the same shares. known counts the destinations that something backs.
func (r *Route) sharesKey(keys map[*Cluster]string) (key string, known int) {
	var b strings.Builder
	for _, d := range r.Destinations {
		of, ok := keys[d.Cluster]
		if !ok {
			of = d.Cluster.backKey()
			keys[d.Cluster] = of
		}
		fmt.Fprintf(&b, "%d %s\n", d.Weight, of)
		if d.Cluster.Known {
			known++
		}
	}
	return b.String(), known
}

// backKey is the same for clusters with the same endpoints.
func (c *Cluster) backKey() string {
	return fmt.Sprint(c.Name, c.Known, c.Gateway, c.Namespace, labelText(c.Selector), c.Selector == nil, c.Addresses)
}
