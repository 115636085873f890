package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// unknownPort is the port of a Service that is not among the files.
const unknownPort = 0

// target is what one HTTPRoute attaches to.
type target struct {
	suffix    string // of the route's name
	namespace string // of the route
	parents   []overlay.ParentRef
	gateways  []*gateway // the parents, if they are Gateways
	hostnames []string
	gateway   string // the gateway whose rules the route has, as rules name it; "" for all gateways of a VirtualService
	// port is the port to which a destination goes that names none and has several; 0 if the requests arrive at several ports.
	port int
	// only reports whether a destination that names no port gets its Service's only port, as at a gateway.
	only bool
}

// targets returns what the rules of a VirtualService attach to.
func (c *converter) targets(v *overlay.Istio[*networking.VirtualService]) []target {
	bound := v.Spec.GetGateways()
	port, ok := c.matchedPort(v)
	if !ok {
		return nil
	}
	var out []target
	if len(bound) == 0 || slices.Contains(bound, istio.MeshGateway) {
		for i, host := range v.Spec.GetHosts() {
			out = append(out, c.meshTargets(v, i, istio.FullHost(host, v.Namespace), port)...)
		}
	}
	return append(out, c.gatewayTargets(v, port)...)
}

// matchedPort returns the port that every match block of a VirtualService names; 0 if none does. It reports blocks of different ports.
func (c *converter) matchedPort(v *overlay.Istio[*networking.VirtualService]) (port int, ok bool) {
	first := true
	for i, h := range v.Spec.GetHttp() {
		for j, m := range istio.Matches(h) {
			n := int(m.GetPort())
			if !first && n != port {
				c.reject(v, fmt.Sprintf("spec.http[%d].match[%d].port", i, j), "want the same port in all matches, since an HTTPRoute has it in its parentRefs, got %d beside %d", n, port)
				return 0, false
			}
			port, first = n, false
		}
	}
	return port, true
}

// meshTargets returns the targets for one host of the mesh: one, or one for each port of its Service if a destination depends on the port.
func (c *converter) meshTargets(v *overlay.Istio[*networking.VirtualService], i int, host string, port int) (out []target) {
	path := fmt.Sprintf("spec.hosts[%d]", i)
	parent, owner, ports, ok := c.parentOf(host)
	if !ok {
		c.reject(v, path, "want the host of a Service or a ServiceEntry, the only parents of an HTTPRoute in the mesh, got %s", v.Spec.GetHosts()[i])
		return nil
	}
	namespace, ok := c.routeNamespace(v, owner)
	if !ok {
		return nil
	}
	if other := c.taken[host+" "+namespace]; other != "" {
		c.reject(v, path, "want each host of the mesh in only one VirtualService, since Istio uses the first of several, got %s, which %s has too", v.Spec.GetHosts()[i], other)
		return nil
	}
	c.taken[host+" "+namespace] = v.String()
	if owner != namespace {
		parent.Namespace = owner
	}
	if port == 0 && !slices.Contains(ports, 80) && !slices.Contains(ports, unknownPort) {
		c.out.without80 = append(c.out.without80, host)
	}
	t := target{namespace: namespace, gateway: istio.MeshGateway, suffix: suffixOf(host)}
	switch {
	case port != 0:
		ports, parent.Port = []int{port}, port
	case len(ports) > 1 && namesNoPort(v.Spec):
	case len(ports) > 0:
		ports = ports[:1]
	default:
		ports = []int{unknownPort}
	}
	for _, p := range ports {
		one := t
		one.port = p
		if len(ports) > 1 {
			parent.Port = p
			one.suffix += fmt.Sprintf("-%d", p)
		}
		one.parents = []overlay.ParentRef{parent}
		out = append(out, one)
	}
	return out
}

// suffixOf returns the part of a host that distinguishes its route from the routes of other hosts.
func suffixOf(host string) string {
	if name, _, ok := istio.ServiceOf(host); ok && istio.IsServiceHost(host) {
		return name
	}
	return host
}

// parentOf returns the parent for a host of the mesh, with its namespace and its ports. The ports of a Service that is not among the files are
// unknown.
func (c *converter) parentOf(host string) (parent overlay.ParentRef, namespace string, ports []int, ok bool) {
	if s := c.services[host]; s != nil {
		for _, p := range s.Ports {
			ports = append(ports, p.Port)
		}
		if c.isGiven(s.Meta) {
			ports = []int{unknownPort}
		}
		return overlay.ParentRef{Group: new(""), Kind: "Service", Name: s.Name}, s.Namespace, ports, true
	}
	if e := c.entries[host]; e != nil && len(e.Spec.GetHosts()) == 1 && !istio.IsWildcard(host) {
		for _, p := range e.Spec.GetPorts() {
			ports = append(ports, int(p.GetNumber()))
		}
		return overlay.ParentRef{Group: new("networking.istio.io"), Kind: "ServiceEntry", Name: e.Name}, e.Namespace, ports, !c.isGiven(e.Meta)
	}
	return parent, "", nil, false
}

// routeNamespace returns the namespace of the route for a host of the mesh. In the namespace of the host it applies to all callers, elsewhere
// to those of its own namespace.
// (https://gateway-api.sigs.k8s.io/mesh/, producer and consumer routes)
func (c *converter) routeNamespace(v *overlay.Istio[*networking.VirtualService], owner string) (string, bool) {
	exports := v.Spec.GetExportTo()
	private := len(exports) == 1 && (exports[0] == "." || exports[0] == v.Namespace)
	switch {
	case istio.IsPublic(exports):
		return owner, true
	case private && v.Namespace != owner:
		return v.Namespace, true
	case private:
		c.reject(v, "spec.exportTo", "want *, since an HTTPRoute in the namespace of its Service applies to all callers, got %s", strings.Join(exports, ", "))
	default:
		c.reject(v, "spec.exportTo", "want * or ., since an HTTPRoute applies to all callers or to those of its namespace, got %s", strings.Join(exports, ", "))
	}
	return "", false
}

// gatewayTargets returns the target for all gateways of a VirtualService, or one for each if its matches name gateways.
func (c *converter) gatewayTargets(v *overlay.Istio[*networking.VirtualService], port int) (out []target) {
	all := target{suffix: "gateway", namespace: v.Namespace, only: true}
	for _, h := range v.Spec.GetHosts() {
		if h = istio.FullHost(h, v.Namespace); h != "*" {
			all.hostnames = append(all.hostnames, h)
		}
	}
	split := slices.ContainsFunc(v.Spec.GetHttp(), func(h *networking.HTTPRoute) bool {
		return slices.ContainsFunc(h.GetMatch(), func(m *networking.HTTPMatchRequest) bool { return len(m.GetGateways()) > 0 })
	})
	for i, name := range v.Spec.GetGateways() {
		if name == istio.MeshGateway {
			continue
		}
		if !istio.IsPublic(v.Spec.GetExportTo()) {
			c.reject(v, "spec.exportTo", "want * for rules of a gateway, got %s", strings.Join(v.Spec.GetExportTo(), ", "))
			return nil
		}
		g := c.gateway(v, i)
		if g == nil {
			continue
		}
		one := all
		one.gateway, one.suffix = istio.GatewayName(name, v.Namespace), g.from.Name
		one.gateways = []*gateway{g}
		one.port = cmp.Or(port, g.onlyPort())
		all.port = one.port
		if len(all.gateways) > 0 && all.gateways[0].onlyPort() != g.onlyPort() {
			all.port = port
		}
		parent := overlay.ParentRef{Port: istio.GatewayServicePort(port)}
		one.parents = []overlay.ParentRef{parent}
		all.gateways, all.parents = append(all.gateways, g), append(all.parents, parent)
		out = append(out, one)
	}
	if !split && len(all.gateways) > 0 {
		return []target{all}
	}
	return out
}

// onlyPort returns the port of a gateway's servers; 0 if they have several.
func (g *gateway) onlyPort() int {
	if len(g.ports) == 1 {
		return g.ports[0]
	}
	return 0
}

// namesNoPort reports whether a rule has a destination without a port.
func namesNoPort(v *networking.VirtualService) bool {
	return slices.ContainsFunc(v.GetHttp(), func(h *networking.HTTPRoute) bool {
		return slices.ContainsFunc(istio.Destinations(h), func(d *networking.Destination) bool { return d.GetPort() == nil })
	})
}
