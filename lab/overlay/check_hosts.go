package overlay

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

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
		at.add(path, "no Service or ServiceEntry has the host %s%s", fieldpath.Quote(full), r.hostHint(host, namespace))
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
		return "; did you mean " + host + domain + "? Istio completes only names without dots"
	}
	return nearest.DidYouMean(host, names)
}

// port checks that a host has a port.
func (r *references) port(at problems, path, host string, n int, ports map[int]bool) {
	if !ports[n] && !r.doubts.mention(strconv.Itoa(n), "Service", "ServiceEntry") {
		at.add(path, "%s has no port %d; it has %s", host, n, numbers(ports))
	}
}

func numbers(ports map[int]bool) string {
	var parts []string
	for _, p := range slices.Sorted(maps.Keys(ports)) {
		parts = append(parts, strconv.Itoa(p))
	}
	return strings.Join(parts, ", ")
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
		at.add(path, "no Gateway %s/%s%s", namespace, wanted, nearest.DidYouMean(wanted, names))
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
		at.add(path+".subset", "no DestinationRule for %s has the subset %s%s", d.Host, fieldpath.Quote(d.Subset), nearest.DidYouMean(d.Subset, subsets))
	}
}
