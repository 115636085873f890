package overlay

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// Assume completes objects that Read returned with what their files do not state, and returns one line for each kind of assumption:
//   - if there is any object of Istio, pods have sidecars in a namespace without an object, or whose object, not read from a cluster, has no label for it;
//   - a host that rules name and that no Service or ServiceEntry has exists, on the ports that rules name and the further ports, with the
//     subsets that rules name unless a DestinationRule has it; not in the namespaces of Closed;
//   - a Gateway that a VirtualService or an HTTPRoute names and that the files do not have takes all hosts on port 80 of the ingress gateway,
//     or of the gateway that Istio deploys for it;
//   - a Service has endpoints if the files have no workload of its namespace.
//
// It adds nothing to a complete overlay: the objects of a cluster are all that there is.
func (o *Overlay) Assume(ports ...int) []string {
	if o.Complete {
		return nil
	}
	a := assumption{overlay: o, ports: append([]int{80}, ports...)}
	return slices.DeleteFunc([]string{a.sidecars(), a.gateways(), a.kubernetesGateways(), a.hosts(), a.endpoints()}, func(line string) bool { return line == "" })
}

type assumption struct {
	overlay *Overlay
	ports   []int
}

// sidecars labels the namespaces whose pods are taken to have sidecars.
func (a *assumption) sidecars() string {
	if !a.overlay.HasIstio() {
		return ""
	}
	states := map[string]*Meta{}
	for i := range a.overlay.Namespaces {
		states[a.overlay.Namespaces[i].Name] = &a.overlay.Namespaces[i]
	}
	taken := map[string]struct{}{}
	for _, m := range a.overlay.Deployments {
		if slices.Contains([]string{istio.RootNamespace, "kube-system"}, m.Namespace) {
			continue
		}
		n := states[m.Namespace]
		if n == nil {
			a.overlay.Namespaces = append(a.overlay.Namespaces, Meta{Kind: "Namespace", Name: m.Namespace, Labels: map[string]string{istio.InjectionLabel: "enabled"}})
			states[m.Namespace] = &Meta{Labels: map[string]string{istio.InjectionLabel: "enabled"}}
			taken[m.Namespace] = struct{}{}
			continue
		}
		if !n.Created.IsZero() || statesInjection(n.Labels) {
			continue
		}
		labels := map[string]string{istio.InjectionLabel: "enabled"}
		maps.Copy(labels, n.Labels)
		n.Labels = labels
		taken[m.Namespace] = struct{}{}
	}
	return assumed("pods have sidecars in namespaces where no label states it: %s", taken)
}

// HasIstio reports whether the overlay has any object of Istio or of the Gateway API that is enforced.
func (o *Overlay) HasIstio() bool {
	return len(o.KubernetesGateways)+len(o.HTTPRoutes)+len(o.VirtualServices)+len(o.DestinationRules)+len(o.Gateways)+len(o.ServiceEntries)+len(o.Sidecars)+len(o.AuthorizationPolicies) > 0
}

// statesInjection reports whether the labels of a namespace state whether its pods have sidecars.
func statesInjection(labels map[string]string) bool {
	for _, key := range []string{istio.InjectionLabel, istio.RevisionLabel, "istio.io/dataplane-mode"} {
		if _, ok := labels[key]; ok {
			return true
		}
	}
	return false
}

func assumed(format string, names map[string]struct{}) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(format, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
}

// gateways adds the Gateways that VirtualServices name.
func (a *assumption) gateways() string {
	known := map[string]bool{istio.MeshGateway: true}
	for _, g := range a.overlay.Gateways {
		known[g.Namespace+"/"+g.Name] = true
	}
	names := map[string]struct{}{}
	for _, v := range a.overlay.VirtualServices {
		for _, g := range v.Spec.GetGateways() {
			name := istio.GatewayName(g, v.Namespace)
			if known[name] {
				continue
			}
			known[name] = true
			names[name] = struct{}{}
			namespace, short, _ := strings.Cut(name, "/")
			a.overlay.Gateways = append(a.overlay.Gateways, Istio[*networking.Gateway]{
				Meta: Meta{APIVersion: "networking.istio.io/v1", Kind: "Gateway", Namespace: namespace, Name: short},
				Spec: &networking.Gateway{Selector: istio.Ingress().Labels, Servers: []*networking.Server{{Hosts: []string{"*"},
					Port: &networking.Port{Number: 80, Name: "http", Protocol: "HTTP"}}}}})
		}
	}
	return assumed("these Gateways, which are not among the files, take all hosts on port 80 of the ingress gateway: %s", names)
}

// hosts adds the hosts that rules name and that no Service or ServiceEntry has.
func (a *assumption) hosts() string {
	known := &references{overlay: a.overlay, hosts: knownHosts(a.overlay)}
	given := map[string]*givenHost{}
	for _, h := range a.named() {
		if _, ok := known.ports(h.host); ok || a.closed(h.host) || h.host == "" || strings.HasPrefix(h.host, "*") || istio.IsAddress(h.host) {
			continue
		}
		if given[h.host] == nil {
			given[h.host] = &givenHost{ports: map[int]bool{}, subsets: map[string]bool{}}
		}
		given[h.host].add(h)
	}
	names := map[string]struct{}{}
	for _, host := range slices.Sorted(maps.Keys(given)) {
		a.give(host, given[host])
		names[host] = struct{}{}
	}
	return assumed("these hosts exist, although no Service or ServiceEntry among the files has them: %s", names)
}

// closed reports whether a host can only be a Service that is known not to exist.
func (a *assumption) closed(host string) bool {
	_, namespace, ok := istio.ServiceOf(host)
	return ok && istio.IsServiceHost(host) && slices.Contains(a.overlay.Closed, namespace)
}

// namedHost is a host that a rule names, with the port and the subset if it names them.
type namedHost struct {
	host, subset string
	port         int
}

// givenHost holds the ports and the subsets that rules name for a host.
type givenHost struct {
	ports   map[int]bool
	subsets map[string]bool
}

func (g *givenHost) add(h namedHost) {
	if h.port != 0 {
		g.ports[h.port] = true
	}
	if h.subset != "" {
		g.subsets[h.subset] = true
	}
}

// named lists the hosts that VirtualServices and DestinationRules name. Of the hosts of a VirtualService it lists only the names of
// Services: a rule for any other host needs no object with that host.
func (a *assumption) named() (list []namedHost) {
	for _, v := range a.overlay.VirtualServices {
		inMesh := len(v.Spec.GetGateways()) == 0 || slices.Contains(v.Spec.GetGateways(), "mesh")
		for _, h := range v.Spec.GetHosts() {
			if inMesh && meansService(h) {
				list = append(list, namedHost{host: istio.FullHost(h, v.Namespace)})
			}
		}
		for _, rule := range v.Spec.GetHttp() {
			for _, d := range istio.Destinations(rule) {
				list = append(list, namedHost{host: istio.FullHost(d.GetHost(), v.Namespace), port: int(d.GetPort().GetNumber()), subset: d.GetSubset()})
			}
		}
	}
	for i := range a.overlay.HTTPRoutes {
		list = append(list, namedByRoute(&a.overlay.HTTPRoutes[i])...)
	}
	for _, d := range a.overlay.DestinationRules {
		host := istio.FullHost(d.Spec.GetHost(), d.Namespace)
		list = append(list, namedHost{host: host})
		for _, p := range d.Spec.GetTrafficPolicy().GetPortLevelSettings() {
			list = append(list, namedHost{host: host, port: int(p.GetPort().GetNumber())})
		}
	}
	return list
}

// given is the prefix of the names of the objects that Assume adds.
const given = "given-"

// give adds a host: a Service, or for a name outside the cluster a ServiceEntry.
func (a *assumption) give(host string, g *givenHost) {
	for _, p := range a.ports {
		g.ports[p] = true
	}
	ports := slices.Sorted(maps.Keys(g.ports))
	name, namespace, inCluster := strings.Cut(strings.TrimSuffix(host, ".svc.cluster.local"), ".")
	if inCluster = inCluster && strings.HasSuffix(host, ".svc.cluster.local"); inCluster {
		s := Service{Meta: Meta{APIVersion: "v1", Kind: "Service", Namespace: namespace, Name: name}, Type: "ClusterIP", Given: true}
		for _, p := range ports {
			s.Ports = append(s.Ports, ServicePort{Name: fmt.Sprintf("http-%d", p), Port: p, Target: fmt.Sprint(p)})
		}
		a.overlay.Services = append(a.overlay.Services, s)
	} else {
		namespace = istio.RootNamespace // objects of the root namespace are visible in all namespaces
		spec := &networking.ServiceEntry{Hosts: []string{host}, Resolution: networking.ServiceEntry_DNS}
		for _, p := range ports {
			spec.Ports = append(spec.Ports, &networking.ServicePort{Name: fmt.Sprintf("http-%d", p), Number: uint32(p), Protocol: "HTTP"})
		}
		a.overlay.ServiceEntries = append(a.overlay.ServiceEntries, Istio[*networking.ServiceEntry]{
			Meta: Meta{APIVersion: "networking.istio.io/v1", Kind: "ServiceEntry", Namespace: namespace, Name: given + host}, Spec: spec})
	}
	a.giveSubsets(host, namespace, g)
}

// giveSubsets adds the subsets of a given host, unless a DestinationRule has it.
func (a *assumption) giveSubsets(host, namespace string, g *givenHost) {
	has := slices.ContainsFunc(a.overlay.DestinationRules, func(d Istio[*networking.DestinationRule]) bool {
		return istio.Overlap(istio.FullHost(d.Spec.GetHost(), d.Namespace), host)
	})
	if has || len(g.subsets) == 0 {
		return
	}
	spec := &networking.DestinationRule{Host: host}
	for _, s := range slices.Sorted(maps.Keys(g.subsets)) {
		spec.Subsets = append(spec.Subsets, &networking.Subset{Name: s})
	}
	a.overlay.DestinationRules = append(a.overlay.DestinationRules, Istio[*networking.DestinationRule]{
		Meta: Meta{APIVersion: "networking.istio.io/v1", Kind: "DestinationRule", Namespace: namespace, Name: given + host}, Spec: spec})
}

// endpoints marks the Services of namespaces without any workload.
func (a *assumption) endpoints() string {
	has := map[string]bool{}
	for _, d := range a.overlay.Deployments {
		has[d.Namespace] = true
	}
	taken := map[string]struct{}{}
	for i := range a.overlay.Services {
		if s := &a.overlay.Services[i]; !has[s.Namespace] && !s.Given {
			s.Given = true
			taken[s.Namespace] = struct{}{}
		}
	}
	return assumed("Services have endpoints in namespaces without any workload among the files: %s", taken)
}
