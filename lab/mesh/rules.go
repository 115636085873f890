package mesh

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// Rule is one http rule of a VirtualService, or one rule of an HTTPRoute, as it applies to its callers.
type Rule struct {
	Object  string                // "VirtualService hopline/middle"
	Name    string                // the rule's name, or its place
	Place   string                // "http[1]", or of an HTTPRoute "rules[1]"
	Hosts   []string              // of its VirtualService, as written; of a delegate, those of the one that delegates
	Gateway bool                  // whether its object is bound to a Gateway
	At      []string              // the gateways whose requests it applies to: "istio-ingressgateway"
	HTTP    *networking.HTTPRoute // as written; of an HTTPRoute as istiod converts it; of a delegate, merged with the rule that delegates
	// Callers names the callers that the shares are for, such as "namespace hopline", if they differ by caller; see Route.Callers.
	Callers string
	// Shares holds the shares of its routes. It is empty for a redirect, a direct response, and a rule that applies to no caller.
	Shares []Share
}

// Title returns the rule's name with its place: "beta (http[0])"; only the place for a rule without a name.
func (r *Rule) Title() string { return ruleText(r.Name, r.Place) }

// Rules lists the rules of all VirtualServices, then those of all HTTPRoutes, in the overlay's order. It lists a rule whose shares depend on the caller once for
// each group of callers.
func (t *Table) Rules() []Rule { return t.rules }

// caller holds the callers that share one view.
type caller struct {
	view      *view
	namespace string
	workloads []string // "hopline/front-blue", or the gateway's name
	gateway   bool
}

// addCaller adds a caller that uses a view.
func (t *Table) addCaller(src *Source, v *view) {
	i := slices.IndexFunc(t.callers, func(c caller) bool { return c.view == v })
	if i < 0 {
		i = len(t.callers)
		t.callers = append(t.callers, caller{view: v, namespace: src.Namespace, gateway: src.Gateway})
	}
	t.callers[i].workloads = append(t.callers[i].workloads, src.Namespace+"/"+src.Workload)
}

// addCallers compiles the views of all sources: the gateways, and the Deployments with a sidecar. In an overlay without any, it uses the
// rules that apply to a sidecar in one of the VirtualServices' namespaces.
func (t *Table) addCallers() {
	for _, d := range t.compiler.overlay.Deployments {
		src := SourceOf(t.compiler.overlay, d)
		v := t.addView(&src)
		if !src.NoSidecar {
			t.addCaller(&src, v)
			t.sidecars = true
		}
	}
	for _, v := range t.compiler.rules {
		if src := (Source{Namespace: v.namespace}); !t.sidecars {
			t.addCaller(&src, t.addView(&src))
		}
	}
	for _, g := range t.Gateways() {
		t.addCaller(&g, t.addView(&g))
	}
}

// met holds a rule's routes for callers that get the same shares.
type met struct {
	key     string // the shares
	known   int    // how many of its destinations exist
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
		gateway := slices.ContainsFunc(vs.Spec.GetGateways(), func(g string) bool { return g != istio.MeshGateway })
		for i, h := range vs.Spec.GetHttp() {
			if h.GetDelegate() != nil {
				continue // the rules of the delegate are listed
			}
			place := rulePlace(i)
			rule := Rule{Object: vs.String(), Name: cmp.Or(h.GetName(), place), Place: place, Hosts: vs.Spec.GetHosts(), Gateway: gateway, HTTP: h}
			if len(vs.Spec.GetHosts()) == 0 && !t.delegated(&rule, i) {
				continue
			}
			t.rules = append(t.rules, t.ofCallers(rule, found[rule.Object+" "+place])...)
		}
	}
	t.collectRouteRules(found)
}

// delegated completes a rule of a VirtualService without hosts: it has the hosts, the gateways and the conditions of the first one that
// delegates to it. It returns false if none does.
func (t *Table) delegated(rule *Rule, index int) bool {
	for _, v := range t.compiler.rules {
		for i, o := range v.merged {
			if o.object == rule.Object && o.index == index {
				rule.HTTP, rule.Hosts = v.http[i], v.hosts
				rule.Gateway = slices.ContainsFunc(v.gateways, func(g string) bool { return g != istio.MeshGateway })
				return true
			}
		}
	}
	return false
}

// collectRouteRules lists the rules of HTTPRoutes.
func (t *Table) collectRouteRules(found map[string][]met) {
	for _, w := range t.compiler.routes.Written {
		if w.HTTP != nil {
			rule := Rule{Object: w.Object, Name: cmp.Or(w.Name, w.Place), Place: w.Place, Hosts: w.Hosts, Gateway: w.Gateway, HTTP: w.HTTP}
			t.rules = append(t.rules, t.ofCallers(rule, found[rule.Object+" "+w.Place])...)
		}
	}
}

// ofCallers returns one rule for each group of callers that it applies to.
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

// gateways names the gateways among callers.
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

// callersText names callers by their namespace, or one by one if some callers of the namespace are not included.
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

// met returns the routes of each http rule that applies to callers with this view, by object and place. On several ports a destination
// without a port of its own may differ: then the ports with the most known destinations win.
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

// sharesKey returns equal keys for routes with equal shares. known counts the destinations that something backs.
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
	return fmt.Sprint(c.Name, c.Known, c.Gateway, c.Namespace, istio.LabelText(c.Selector), c.Selector == nil, c.Addresses)
}
