package overlay

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
)

// references finds dangling references: names of objects, hosts, subsets and ports that an overlay uses but does not contain. Kubernetes
// and Istio accept these; later their requests get 503 or no response.
type references struct {
	overlay *Overlay // all objects, including broken ones
	doubts  doubts   // what else may be referred to
	report  *Report
	hosts   map[string]map[int]bool // ports of every host of a Service or ServiceEntry
	subsets map[string][]string     // of every host of a DestinationRule
}

// checkReferences reports every dangling reference, unless its target may be in a part that could not be read.
func checkReferences(o *Overlay, doubts doubts, report *Report) {
	all := new(Overlay)
	all.append(o)
	if o.broken != nil {
		all.append(o.broken)
	}
	found := new(Report)
	r := references{overlay: all, doubts: doubts, report: found, hosts: knownHosts(all), subsets: map[string][]string{}}
	for _, d := range all.DestinationRules {
		host := istio.FullHost(d.Spec.Host, d.Namespace)
		for _, s := range d.Spec.Subsets {
			r.subsets[host] = append(r.subsets[host], s.Name)
		}
	}
	r.check()
	if o.broken != nil {
		found.Problems = o.broken.soundly(found.Problems)
	}
	report.Problems = append(report.Problems, found.Problems...)
}

func (r *references) check() {
	r.namespaces()
	r.deployments()
	r.services()
	r.destinationRules()
	r.virtualServices()
	r.serviceEntries()
	r.authorizationPolicies()
}

func (r *references) at(m Meta) problems { return problems{report: r.report, object: m.String()} }

// knownHosts returns all hosts that can receive requests, with their ports: Services, ServiceEntries, and Istio's own gateways, which the
// lab provides.
func knownHosts(o *Overlay) map[string]map[int]bool {
	hosts := map[string]map[int]bool{}
	add := func(host string, port int) {
		if hosts[host] == nil {
			hosts[host] = map[int]bool{}
		}
		hosts[host][port] = true
	}
	for _, g := range istio.Gateways() {
		for _, p := range istio.GatewayPorts() {
			add(istio.ServiceHost(g.Name, istio.RootNamespace), p.Number)
		}
	}
	for _, s := range o.Services {
		for _, p := range s.Ports {
			add(istio.ServiceHost(s.Name, s.Namespace), p.Port)
		}
	}
	for _, e := range o.ServiceEntries {
		for _, host := range e.Spec.Hosts {
			for _, p := range e.Spec.Ports {
				add(host, int(p.Number))
			}
		}
	}
	return hosts
}

// ports returns the ports of a host, by its own name or by a wildcard that covers or equals it; ok reports whether there are any.
func (r *references) ports(host string) (ports map[int]bool, ok bool) {
	if ports, ok = r.hosts[host]; ok {
		return ports, true
	}
	ports = map[int]bool{}
	for known, p := range r.hosts {
		if (istio.IsWildcard(known) || istio.IsWildcard(host)) && istio.Overlap(known, host) {
			maps.Copy(ports, p)
			ok = true
		}
	}
	return ports, ok
}

// host checks that a host is known.
func (r *references) host(at problems, path, host, namespace string) (map[int]bool, bool) {
	full := istio.FullHost(host, namespace)
	ports, ok := r.ports(full)
	if ok {
		return ports, true
	}
	name := host
	if meansService(host) {
		name, _, _ = strings.Cut(host, ".")
	}
	if !r.doubts.mention(name, "Service", "ServiceEntry") {
		at.add(path, "no Service or ServiceEntry has the host %s%s", quote(full), r.hostHint(host, namespace))
	}
	return nil, false
}

// hostHint suggests the host that may have been meant.
func (r *references) hostHint(host, namespace string) string {
	const domain = "." + istio.ClusterDomain
	var names []string
	for _, known := range slices.Sorted(maps.Keys(r.hosts)) {
		if name, elsewhere, _ := strings.Cut(strings.TrimSuffix(known, domain), "."); strings.HasSuffix(known, domain) && name == host {
			return "; it is in " + elsewhere + ": did you mean " + known + "?"
		}
		short, _ := strings.CutSuffix(known, "."+namespace+domain)
		names = append(names, short)
	}
	slices.Sort(names)
	if _, isService := r.hosts[host+domain]; isService {
		return "; did you mean " + host + domain + "? Istio completes names without dots alone"
	}
	return DidYouMean(host, names)
}

// builtInNamespaces returns the namespaces that exist without an object in the overlay.
func builtInNamespaces() []string { return []string{"default", istio.RootNamespace, "kube-system"} }

func (r *references) namespaces() {
	known := builtInNamespaces()
	for _, n := range r.overlay.Namespaces {
		known = append(known, n.Name)
	}
	for _, m := range r.overlay.metas() {
		if m.Namespace != "" && !slices.Contains(known, m.Namespace) && !r.doubts.mention(m.Namespace, "Namespace") {
			r.at(m).add("metadata.namespace", "no Namespace %s in the overlay%s", m.Namespace, DidYouMean(m.Namespace, known))
		}
	}
}

// metas returns the identities of all objects of an overlay.
func (o *Overlay) metas() []Meta {
	metas := slices.Concat(o.Namespaces, o.ServiceAccounts, o.NotEnforced)
	for _, x := range o.Deployments {
		metas = append(metas, x.Meta)
	}
	for _, x := range o.Services {
		metas = append(metas, x.Meta)
	}
	for _, x := range o.ConfigMaps {
		metas = append(metas, x.Meta)
	}
	metas = slices.Concat(metas, metasOf(o.VirtualServices), metasOf(o.DestinationRules), metasOf(o.Gateways))
	return slices.Concat(metas, metasOf(o.ServiceEntries), metasOf(o.Sidecars), metasOf(o.AuthorizationPolicies))
}

func metasOf[T any](objects []Istio[T]) []Meta {
	metas := make([]Meta, len(objects))
	for i, x := range objects {
		metas[i] = x.Meta
	}
	return metas
}

func (r *references) deployments() {
	for _, d := range r.overlay.Deployments {
		if d.Pod.ServiceAccount != "default" && !r.serviceAccount(d.Namespace, d.Pod.ServiceAccount) {
			r.at(d.Meta).add("spec.template.spec.serviceAccountName", "no ServiceAccount %s/%s", d.Namespace, d.Pod.ServiceAccount)
		}
	}
}

// serviceAccount reports whether a service account exists, or may exist.
func (r *references) serviceAccount(namespace, name string) bool {
	return r.doubts.mention(name, "ServiceAccount") || slices.ContainsFunc(r.overlay.ServiceAccounts, func(m Meta) bool { return m.Namespace == namespace && m.Name == name })
}

// selected returns the Deployments of a namespace whose pods have the labels.
func (r *references) selected(namespace string, labels map[string]string) (found []Deployment) {
	for _, d := range r.overlay.Deployments {
		if d.Namespace == namespace && istio.HasLabels(d.Pod.Labels, labels) {
			found = append(found, d)
		}
	}
	return found
}

func (r *references) services() {
	nodePorts := map[int]string{}
	for _, s := range r.overlay.Services {
		pods := r.selected(s.Namespace, s.Selector)
		if len(pods) == 0 {
			r.selectsNothing(r.at(s.Meta), "spec.selector", s.Namespace, s.Selector)
		}
		for i, p := range s.Ports {
			path := fmt.Sprintf("spec.ports[%d]", i)
			r.targetPort(r.at(s.Meta), path+".targetPort", s, p, pods)
			if p.NodePort == 0 {
				continue
			}
			if other, taken := nodePorts[p.NodePort]; taken {
				r.at(s.Meta).add(path+".nodePort", "%d is taken by %s", p.NodePort, other)
			}
			nodePorts[p.NodePort] = s.String()
		}
	}
}

// targetPort checks that one of the pods has the target port of a Service. If the selector matches no pods, any Deployment of the namespace
// may be meant.
func (r *references) targetPort(at problems, path string, s Service, p ServicePort, pods []Deployment) {
	meant := pods
	if len(pods) == 0 {
		meant = r.selected(s.Namespace, nil)
	}
	found := slices.ContainsFunc(meant, func(d Deployment) bool { return hasPort(d.Pod.Container.Ports, p.Target) })
	if len(meant) > 0 && !found && p.Port > 0 && !r.doubts.mention(p.Target, "Deployment") {
		at.add(path, "no container has the port %s; %s has %s", p.Target, meant[0].String(), portText(meant[0].Pod.Container.Ports))
	}
}

// selectsNothing reports labels that no Deployment's pods have, with the value that may have been meant.
func (r *references) selectsNothing(at problems, path, namespace string, labels map[string]string) {
	meant := ""
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if r.doubts.mention(labels[key], "Deployment") {
			return
		}
		var values []string
		for _, d := range r.selected(namespace, nil) {
			if v, ok := d.Pod.Labels[key]; ok {
				values = append(values, v)
			}
		}
		if n := Nearest(labels[key], values); n != "" && n != labels[key] {
			meant = "; did you mean " + key + "=" + n + "?"
		}
	}
	at.add(path, "selects nothing: no Deployment of namespace %s has pods with %s%s", namespace, istio.LabelText(labels), meant)
}

// port checks that a host has a port.
func (r *references) port(at problems, path, host string, n int, ports map[int]bool) {
	if !ports[n] && !r.doubts.mention(strconv.Itoa(n), "Service", "ServiceEntry") {
		at.add(path, "%s has no port %d; it has %s", host, n, numbers(ports))
	}
}

func portText(ports []ContainerPort) string {
	var parts []string
	for _, p := range ports {
		parts = append(parts, strings.TrimSpace(p.Name+" "+strconv.Itoa(p.Number)))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func (r *references) destinationRules() {
	for _, d := range r.overlay.DestinationRules {
		at := r.at(d.Meta)
		ports, ok := r.host(at, "spec.host", d.Spec.Host, d.Namespace)
		if !ok {
			continue
		}
		check := func(path string, p *networking.TrafficPolicy) {
			for i, l := range p.GetPortLevelSettings() {
				r.port(at, fmt.Sprintf("%s.portLevelSettings[%d].port.number", path, i), d.Spec.Host, int(l.GetPort().GetNumber()), ports)
			}
		}
		check("spec.trafficPolicy", d.Spec.TrafficPolicy)
		for i, s := range d.Spec.Subsets {
			check(fmt.Sprintf("spec.subsets[%d].trafficPolicy", i), s.TrafficPolicy)
		}
	}
}

func numbers(ports map[int]bool) string {
	var parts []string
	for _, p := range slices.Sorted(maps.Keys(ports)) {
		parts = append(parts, strconv.Itoa(p))
	}
	return strings.Join(parts, ", ")
}

func (r *references) virtualServices() {
	for _, v := range r.overlay.VirtualServices {
		at := r.at(v.Meta)
		inMesh := len(v.Spec.Gateways) == 0
		var gateways []Istio[*networking.Gateway]
		for i, name := range v.Spec.Gateways {
			if name == istio.MeshGateway {
				inMesh = true
			} else if g, ok := r.gateway(at, fmt.Sprintf("spec.gateways[%d]", i), name, v.Namespace); ok {
				gateways = append(gateways, g)
			}
		}
		for i, host := range v.Spec.Hosts {
			path := fmt.Sprintf("spec.hosts[%d]", i)
			switch {
			case inMesh && meansService(host):
				r.host(at, path, host, v.Namespace)
			case inMesh: // a name outside the cluster: Istio routes by it on port 80 whether or not another object names it
			case len(gateways) == len(v.Spec.Gateways) && !r.doubts.mention("Gateway", "Gateway") && !taken(gateways, v.Namespace, istio.FullHost(host, v.Namespace)):
				at.add(path, "no server of the Gateways %s takes the host %s", strings.Join(v.Spec.Gateways, ", "), quote(host))
			}
		}
		for i, rule := range v.Spec.Http {
			path := fmt.Sprintf("spec.http[%d]", i)
			for j, m := range rule.Match {
				for k, name := range m.Gateways {
					if name != istio.MeshGateway {
						r.gateway(at, fmt.Sprintf("%s.match[%d].gateways[%d]", path, j, k), name, v.Namespace)
					}
				}
			}
			for j, d := range rule.Route {
				r.destination(at, fmt.Sprintf("%s.route[%d].destination", path, j), d.Destination, v.Namespace)
			}
			r.destination(at, path+".mirror", rule.Mirror, v.Namespace)
			for j, m := range rule.Mirrors {
				r.destination(at, fmt.Sprintf("%s.mirrors[%d].destination", path, j), m.Destination, v.Namespace)
			}
		}
	}
}

// meansService reports whether a host can only be a Service: a short name, or a name in the cluster's domain.
func meansService(host string) bool {
	return !strings.Contains(host, ".") && host != "*" || istio.IsServiceHost(host)
}

// gateway finds the Gateway that a VirtualService of a namespace refers to.
func (r *references) gateway(at problems, path, name, namespace string) (found Istio[*networking.Gateway], ok bool) {
	namespace, wanted, _ := strings.Cut(istio.GatewayName(name, namespace), "/")
	var names []string
	for _, g := range r.overlay.Gateways {
		if g.Namespace == namespace && g.Name == wanted {
			return g, true
		}
		if g.Namespace == namespace {
			names = append(names, g.Name)
		}
	}
	if !r.doubts.mention(wanted, "Gateway") {
		at.add(path, "no Gateway %s/%s%s", namespace, wanted, DidYouMean(wanted, names))
	}
	return found, false
}

// taken reports whether a server of one of the gateways accepts a host of a VirtualService of the namespace.
func taken(gateways []Istio[*networking.Gateway], namespace, host string) bool {
	for _, g := range gateways {
		for _, s := range g.Spec.Servers {
			for _, h := range s.Hosts {
				owner, own := istio.ServerHost(h, g.Namespace)
				if (owner == "*" || owner == namespace) && istio.Overlap(own, host) {
					return true
				}
			}
		}
	}
	return false
}

// destination checks that a destination has a host, that the host has the port, and that a DestinationRule has the subset.
func (r *references) destination(at problems, path string, d *networking.Destination, namespace string) {
	if d == nil {
		return
	}
	ports, ok := r.host(at, path+".host", d.Host, namespace)
	if !ok {
		return
	}
	if n := int(d.GetPort().GetNumber()); n != 0 {
		r.port(at, path+".port.number", d.Host, n, ports)
	}
	if d.Subset == "" {
		return
	}
	var subsets []string
	full := istio.FullHost(d.Host, namespace)
	for host, names := range r.subsets {
		if istio.Overlap(host, full) {
			subsets = append(subsets, names...)
		}
	}
	slices.Sort(subsets)
	if slices.Contains(subsets, d.Subset) {
		return
	}
	if !r.doubts.mention(d.Subset, "DestinationRule") {
		at.add(path+".subset", "no DestinationRule for %s has the subset %s%s", d.Host, quote(d.Subset), DidYouMean(d.Subset, subsets))
	}
}

// serviceEntries checks endpoints that are Services of the cluster; names outside the cluster are not looked up.
func (r *references) serviceEntries() {
	for _, e := range r.overlay.ServiceEntries {
		for i, ep := range e.Spec.Endpoints {
			if !istio.IsServiceHost(ep.Address) {
				continue
			}
			path := fmt.Sprintf("spec.endpoints[%d]", i)
			ports, ok := r.host(r.at(e.Meta), path+".address", ep.Address, e.Namespace)
			if !ok {
				continue
			}
			for _, p := range e.Spec.Ports {
				n := int(p.Number)
				if p.TargetPort != 0 {
					n = int(p.TargetPort)
				}
				if own, ok := ep.Ports[p.Name]; ok {
					n = int(own)
				}
				r.port(r.at(e.Meta), path, ep.Address, n, ports)
			}
		}
	}
}

func (r *references) authorizationPolicies() {
	for _, p := range r.overlay.AuthorizationPolicies {
		at := r.at(p.Meta)
		if labels := p.Spec.GetSelector().GetMatchLabels(); len(labels) > 0 && p.Namespace != istio.RootNamespace && len(r.selected(p.Namespace, labels)) == 0 {
			r.selectsNothing(at, "spec.selector.matchLabels", p.Namespace, labels)
		}
		for i, rule := range p.Spec.Rules {
			for j, from := range rule.From {
				r.principals(at, fmt.Sprintf("spec.rules[%d].from[%d].source", i, j), from.Source)
			}
		}
	}
}

// principals checks the principals that name a service account of a namespace in the overlay.
func (r *references) principals(at problems, path string, s *security.Source) {
	for i, p := range s.GetPrincipals() {
		parts := strings.Split(p, "/")
		if len(parts) != 5 || parts[1] != "ns" || parts[3] != "sa" || strings.Contains(p, "*") || slices.Contains(builtInNamespaces(), parts[2]) {
			continue
		}
		if parts[4] != "default" && !r.serviceAccount(parts[2], parts[4]) {
			at.add(fmt.Sprintf("%s.principals[%d]", path, i), "no ServiceAccount %s/%s", parts[2], parts[4])
		}
	}
}
