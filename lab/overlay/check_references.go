package overlay

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/nearest"
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
	newReferences(all, doubts, found).check()
	if o.broken != nil {
		found.Problems = o.broken.withoutRepeats(found.Problems)
	}
	report.Problems = append(report.Problems, found.Problems...)
}

func newReferences(o *Overlay, doubts doubts, report *Report) *references {
	r := &references{overlay: o, doubts: doubts, report: report, hosts: knownHosts(o), subsets: map[string][]string{}}
	for _, d := range o.DestinationRules {
		host := istio.FullHost(d.Spec.Host, d.Namespace)
		for _, s := range d.Spec.Subsets {
			r.subsets[host] = append(r.subsets[host], s.Name)
		}
	}
	return r
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

// builtInNamespaces returns the namespaces that exist without an object in the overlay.
func builtInNamespaces() []string { return []string{"default", istio.RootNamespace, "kube-system"} }

func (r *references) namespaces() {
	known := builtInNamespaces()
	for _, n := range r.overlay.Namespaces {
		known = append(known, n.Name)
	}
	for _, m := range r.overlay.Objects() {
		if m.Namespace != "" && !slices.Contains(known, m.Namespace) && !r.doubts.mention(m.Namespace, "Namespace") {
			r.at(m).add("metadata.namespace", "no Namespace %s in the overlay%s", m.Namespace, nearest.DidYouMean(m.Namespace, known))
		}
	}
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
	_, notNumber := strconv.Atoi(p.Target)
	found := slices.ContainsFunc(meant, func(d Deployment) bool {
		return hasPort(d.Pod.Ports(), p.Target) || d.Pod.AnyPort && notNumber == nil
	})
	if len(meant) > 0 && !found && p.Port > 0 && !r.doubts.mention(p.Target, "Deployment") {
		at.add(path, "no container has the port %s; %s has %s", p.Target, meant[0].String(), portText(meant[0].Pod.Ports()))
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
		if n := nearest.Name(labels[key], values); n != "" && n != labels[key] {
			meant = "; did you mean " + key + "=" + n + "?"
		}
	}
	at.add(path, "selects nothing: no Deployment of namespace %s has pods with %s%s", namespace, istio.LabelText(labels), meant)
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

// delegate checks that a rule delegates to a VirtualService without hosts.
func (r *references) delegate(at problems, path string, to *networking.Delegate, namespace string) {
	if to == nil || r.doubts.mention(to.Name, "VirtualService") {
		return
	}
	namespace = cmp.Or(to.Namespace, namespace)
	for _, v := range r.overlay.VirtualServices {
		if v.Name != to.Name || v.Namespace != namespace {
			continue
		}
		if len(v.Spec.Hosts) > 0 {
			at.add(path, "%s has hosts of its own: want a VirtualService without", v)
		}
		return
	}
	at.add(path, "no VirtualService %s/%s", namespace, to.Name)
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
				at.add(path, "no server of the Gateways %s has the host %s", strings.Join(v.Spec.Gateways, ", "), fieldpath.Quote(host))
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
			r.delegate(at, path+".delegate", rule.Delegate, v.Namespace)
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
