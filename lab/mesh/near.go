package mesh

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// near returns the objects that nearly match a request that is not routed as intended: the host that was
// probably meant, objects that have the request's host and are never consulted, and faults of destinations without endpoints. Each note states why the object does not apply.
func (t *Table) near(e *Explanation, req *Request, src *Source) []string {
	n := nearness{table: t, req: req, src: src, host: strings.ToLower(withoutPort(req.Authority)), asked: e.Host}
	n.otherHost(e)
	if src.NoSidecar { // no rules apply
		return n.notes
	}
	if src.Gateway && e.Outcome == NoRoute {
		n.gateways()
	}
	n.virtualServices(e)
	if src.Gateway && e.Outcome == NoRoute && n.notes == nil && e.Host == "" {
		n.otherHosts()
	}
	for _, s := range e.Shares {
		n.destination(&s)
	}
	n.unreached(e)
	n.routes(e)
	return n.notes
}

// nearness collects notes for one request.
type nearness struct {
	table *Table
	req   *Request
	src   *Source
	host  string
	asked string // the object whose rules were consulted; at a gateway the host
	notes []string
}

func (n *nearness) add(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(n.notes, text) {
		n.notes = append(n.notes, text)
	}
}

// unreached notes the rules that no request reaches, in the objects that were consulted and in the HTTPRoutes that have the host.
func (n *nearness) unreached(e *Explanation) {
	asked := n.objects()
	for _, j := range e.Passed {
		asked[j.Object] = true
	}
	if e.Taken != nil {
		asked[e.Taken.Object] = true
	}
	for _, u := range n.table.Unreached() {
		if asked[u.Object] {
			n.add("%s", u)
		}
	}
}

// gateways notes the Gateways that do not accept the request.
func (n *nearness) gateways() {
	all := n.table.compiler.gateways
	if text := n.table.uncarriedAt(n.req, n.src); text != "" {
		n.add("%s", text)
		return
	}
	if len(all) == 0 {
		n.add("no Gateway opens a port of %s", n.src.Workload)
	}
	for i := range all {
		g := &all[i]
		if !g.selects(n.src) {
			n.add("%s", g.unselected(n.src))
			continue
		}
		for _, s := range g.servers {
			number := int(s.GetPort().GetNumber())
			covers := slices.ContainsFunc(s.GetHosts(), func(h string) bool {
				_, host := istio.ServerHost(h, g.age.Namespace)
				return covers(host, n.host)
			})
			switch {
			case covers && g.servicePort(s) != n.req.Port:
				n.add("%s accepts %s on port %d, and the request arrives at port %d", g.object, n.host, number, n.req.Port)
			case !covers && g.servicePort(s) == n.req.Port:
				n.add("%s accepts %s on port %d, and not %s", g.object, g.hostsText(s), number, n.host)
			}
		}
	}
}

// unselected describes why the Gateway does not apply to a gateway.
func (g *gatewayObject) unselected(src *Source) string {
	if g.listener && src.Namespace != g.age.Namespace {
		return fmt.Sprintf("%s is in namespace %s, and %s in %s", g.object, g.age.Namespace, src.Workload, src.Namespace)
	}
	return fmt.Sprintf("%s selects pods with %s, and %s has %s", g.object, istio.LabelText(g.selector), src.Workload, istio.LabelText(src.Labels))
}

// hostsText returns the hosts of a server as its object has them.
func (g *gatewayObject) hostsText(s *networking.Server) string {
	if !g.listener {
		return strings.Join(s.GetHosts(), ", ")
	}
	_, host := istio.ServerHost(s.GetHosts()[0], g.age.Namespace)
	return host
}

// covers reports whether a host, perhaps with a wildcard, matches a request's host, which is in lower case. A star matches at least one
// character.
func covers(pattern, host string) bool {
	return istio.Within(host, strings.ToLower(pattern)) && (!istio.IsWildcard(pattern) || len(host) >= len(pattern))
}

// virtualServices notes the VirtualServices and HTTPRoutes that have the request's host and whose rules were not consulted. If a rule matches
// the request, it notes only those that the consulted one hides.
func (n *nearness) virtualServices(e *Explanation) {
	gone := map[string]bool{e.Host: true}
	for _, j := range e.Passed {
		gone[j.Object] = true
	}
	if e.Taken != nil {
		gone[e.Taken.Object] = true
	}
	for _, v := range n.table.compiler.rules {
		// the host * names nothing inside the mesh: Istio rejects it for the gateway mesh
		has := slices.ContainsFunc(v.hosts, func(h string) bool { return n.named(h) && (n.src.Gateway || h != "*" || v.fromRoutes()) })
		rival := !n.src.Gateway && slices.Contains(v.gateways, istio.MeshGateway) && istio.VisibleFrom(v.exportTo, v.namespace, n.src.Namespace)
		if !has || gone[v.object] || e.Taken != nil && !rival {
			continue
		}
		if why := n.notApplied(v); why != "" {
			n.add("%s has the host, and is not used: %s", v.object, why)
		}
	}
}

// named reports whether a VirtualService's host is the request's, which may be a Service's short name.
func (n *nearness) named(host string) bool {
	if n.src.Gateway {
		return covers(host, n.host)
	}
	return slices.ContainsFunc(istio.Domains(strings.ToLower(host), n.src.Namespace), func(d string) bool { return covers(d, n.host) })
}

// notApplied returns why a VirtualService's rules are not among those that apply to the request. It is empty if the reason is unknown.
func (n *nearness) notApplied(v *virtualService) string {
	where := n.src.Workload + " is in namespace " + n.src.Namespace
	if !istio.VisibleFrom(v.exportTo, v.namespace, n.src.Namespace) {
		return fmt.Sprintf("exportTo is [%s], and %s", strings.Join(v.exportTo, ", "), where)
	}
	if n.src.Gateway {
		return n.notAppliedAtGateway(v)
	}
	if !slices.Contains(v.gateways, istio.MeshGateway) {
		return n.notAppliedInMesh(v)
	}
	if _, namespace, _ := istio.ServiceOf(v.hosts[0]); v.fromRoutes() && n.src.Namespace != v.namespace && namespace != v.namespace {
		return fmt.Sprintf("its rules apply to callers of its namespace %s, and to Services of that namespace", v.namespace)
	}
	scope := newScope(n.table.compiler.overlay, n.src.Namespace, n.src.Labels)
	if len(scope.virtualServices([]*virtualService{v})) == 0 {
		return scope.text()
	}
	if n.asked != "" {
		return n.asked + " has it first"
	}
	return ""
}

// notAppliedInMesh returns why rules that are bound only to Gateways do not apply to a caller inside the mesh.
func (n *nearness) notAppliedInMesh(v *virtualService) string {
	if !v.fromRoutes() {
		return fmt.Sprintf("it is for %s, and %s calls from inside the mesh: add the gateway mesh", strings.Join(v.gateways, ", "), n.src.Workload)
	}
	var parents []string
	for _, name := range v.gateways {
		if g := n.table.compiler.gateway(name); g != nil {
			parents = append(parents, g.object)
		}
	}
	return fmt.Sprintf("its parent is %s, and %s calls from inside the mesh: add the Service as a parent", strings.Join(parents, ", "), n.src.Workload)
}

func (n *nearness) notAppliedAtGateway(v *virtualService) string {
	var why []string
	for _, name := range v.gateways {
		g := n.table.compiler.gateway(name)
		switch {
		case name == istio.MeshGateway && v.fromRoutes():
			why = append(why, "its parent is a Service, which means requests from inside")
		case name == istio.MeshGateway:
			why = append(why, "it is for mesh, which means requests from inside")
		case g == nil:
			why = append(why, "there is no Gateway "+name)
		default:
			if text := n.notAccepted(g, v); text != "" {
				why = append(why, text)
			}
		}
	}
	return strings.Join(why, "; ")
}

// notAccepted returns why a Gateway does not accept the request for a VirtualService that names it.
func (n *nearness) notAccepted(g *gatewayObject, v *virtualService) string {
	if !g.selects(n.src) {
		return fmt.Sprintf("%s does not select %s", g.object, n.src.Workload)
	}
	why, kind := "", "VirtualServices"
	if v.fromRoutes() {
		kind = "HTTPRoutes"
	}
	for _, s := range g.servers {
		for _, h := range s.GetHosts() {
			switch namespace, host := istio.ServerHost(h, g.age.Namespace); {
			case !covers(host, n.host):
			case namespace == "*" || namespace == v.namespace:
				return ""
			case why == "":
				why = fmt.Sprintf("%s accepts %s only for %s of namespace %s", g.object, host, kind, namespace)
			}
		}
	}
	return why
}

// otherHosts notes the hosts of the gateway if none matches the request's.
func (n *nearness) otherHosts() {
	table := n.table.view(n.src).ports[n.req.Port]
	if table == nil {
		return
	}
	hosts := slices.Sorted(maps.Keys(table.names))
	for _, tail := range slices.Sorted(maps.Keys(table.tails)) {
		hosts = append(hosts, "*"+tail)
	}
	if len(hosts) == 0 {
		n.add("no VirtualService and no HTTPRoute is bound to a Gateway of %s", n.src.Workload)
		return
	}
	if len(hosts) > 8 {
		hosts = append(hosts[:8], "…")
	}
	n.add("no VirtualService and no HTTPRoute at %s has the host %s: they have %s", n.src.Workload, n.host, strings.Join(hosts, ", "))
}

// destination notes what is wrong with a destination without endpoints.
func (n *nearness) destination(s *Explained) {
	c := s.Cluster
	switch {
	case !c.Known:
		n.unknown(c)
	case c.Selector != nil && len(s.Backends) == 0:
		n.unbacked(c)
	}
}

// unknown notes which part of a destination does not exist: host, port or subset.
func (n *nearness) unknown(c *Cluster) {
	for _, s := range n.table.compiler.services {
		if s.host != c.Host || !istio.VisibleFrom(s.exportTo, s.namespace, n.src.Namespace) {
			continue
		}
		if _, ok := s.port(c.Port); !ok {
			n.add("%s has no port %d: want %s", s.object, c.Port, portsText(s))
			return
		}
		if c.Subset != "" {
			n.subset(c, s)
			return
		}
	}
	if why := n.table.hidden(c.Host, n.src); why != "" {
		n.add("%s", why)
	}
}

func portsText(s *service) string {
	var ports []string
	for _, p := range s.ports {
		ports = append(ports, fmt.Sprint(p.number))
	}
	return strings.Join(ports, " or ")
}

// subset notes the DestinationRules of a host: which one has the subset, and which apply.
func (n *nearness) subset(c *Cluster, s *service) {
	found := false
	for _, d := range n.table.compiler.overlay.DestinationRules {
		if !istio.Within(c.Host, istio.FullHost(d.Spec.GetHost(), d.Namespace)) {
			continue
		}
		found = true
		var names []string
		for _, subset := range d.Spec.GetSubsets() {
			names = append(names, subset.GetName())
		}
		if !slices.Contains(names, c.Subset) {
			n.add("%s has the subsets [%s], and not %s", d, strings.Join(names, ", "), c.Subset)
			continue
		}
		n.add("%s has the subset %s, and %s", d, c.Subset, n.outOfReach(&d, s))
	}
	if !found {
		n.add("no DestinationRule has the host %s", c.Host)
	}
}

// outOfReach returns why a caller's proxy does not use a DestinationRule for a service.
func (n *nearness) outOfReach(d *overlay.Istio[*networking.DestinationRule], s *service) string {
	looked := []string{n.src.Namespace + " (the caller's)", s.namespace + " (the Service's)", istio.RootNamespace + " (Istio's root)"}
	places := []string{n.src.Namespace, s.namespace, istio.RootNamespace}
	switch {
	case !slices.Contains(places, d.Namespace):
		return "is not used: Istio looks in the namespaces " + strings.Join(looked, ", ")
	case d.Namespace != n.src.Namespace && d.Spec.GetWorkloadSelector() != nil:
		return "applies only to workloads of its own namespace: it has a workloadSelector"
	case !istio.VisibleFrom(d.Spec.GetExportTo(), d.Namespace, n.src.Namespace):
		return fmt.Sprintf("is not seen from namespace %s: exportTo is [%s]", n.src.Namespace, strings.Join(d.Spec.GetExportTo(), ", "))
	case d.Spec.GetWorkloadSelector() != nil && !istio.HasLabels(n.src.Labels, d.Spec.GetWorkloadSelector().GetMatchLabels()):
		return fmt.Sprintf("applies to workloads with %s, which %s is not", istio.LabelText(d.Spec.GetWorkloadSelector().GetMatchLabels()), n.src.Workload)
	}
	return "another DestinationRule of the host has precedence: Istio uses the one of the caller's namespace, then of the Service's, then of " + istio.RootNamespace
}

// unbacked notes the Deployments that nearly match as endpoints of a cluster.
func (n *nearness) unbacked(c *Cluster) {
	for i := range n.table.compiler.overlay.Deployments {
		d := &n.table.compiler.overlay.Deployments[i]
		if d.Namespace != c.Namespace {
			continue
		}
		common := false
		var differ []string
		for _, k := range slices.Sorted(maps.Keys(c.Selector)) {
			have, ok := d.Pod.Labels[k]
			switch {
			case ok && have == c.Selector[k]:
				common = true
			case ok:
				differ = append(differ, fmt.Sprintf("%s=%s, want %s=%s", k, have, k, c.Selector[k]))
			default:
				differ = append(differ, fmt.Sprintf("no label %s, want %s=%s", k, k, c.Selector[k]))
			}
		}
		switch {
		case common && differ != nil:
			n.add("pods of %s have %s", d, strings.Join(differ, "; "))
		case common && d.Replicas == 0:
			n.add("%s wants no replicas", d)
		case common && !c.SelectsDeployment(d):
			n.add("pods of %s have no port %s", d, c.targetText())
		}
	}
}

func (c *Cluster) targetText() string {
	if c.TargetName != "" {
		return c.TargetName
	}
	return fmt.Sprint(c.Target)
}

// hidden returns why a caller does not see an existing host. It is empty if the host does not exist or the caller sees it.
func (t *Table) hidden(host string, src *Source) string {
	host = strings.ToLower(host)
	for _, s := range t.compiler.services {
		if !slices.ContainsFunc(istio.Domains(strings.ToLower(s.host), src.Namespace), func(d string) bool { return covers(d, host) }) {
			continue
		}
		if !istio.VisibleFrom(s.exportTo, s.namespace, src.Namespace) {
			return fmt.Sprintf("%s is not exported to namespace %s: exportTo is [%s]", s.object, src.Namespace, strings.Join(s.exportTo, ", "))
		}
		if src.Gateway {
			continue
		}
		if scope := newScope(t.compiler.overlay, src.Namespace, src.Labels); !scope.sees(s.namespace, s.host, istio.Within) {
			return fmt.Sprintf("%s is hidden: %s; to call it, add %s/%s", s.object, scope.text(), s.namespace, s.host)
		}
	}
	for _, s := range t.compiler.services {
		if s.kubernetes && s.name == host && s.namespace != src.Namespace {
			return fmt.Sprintf("%s is in another namespace than %s: want the host %s.%s", s.object, src.Workload, s.name, s.namespace)
		}
	}
	return ""
}
