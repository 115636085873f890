package convert

import (
	"fmt"
	"maps"
	"slices"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/gatewayapi"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// gateway is a Gateway of Istio, which gets one of the Gateway API beside it. Istio's stays: the VirtualServices of others may be bound to it.
type gateway struct {
	overlay.Meta // of the new Gateway
	from         *overlay.Istio[*networking.Gateway]
	spec         overlay.KubernetesGatewaySpec
	ports        []int // of its servers as written, sorted
}

// gateway returns the Gateway that a VirtualService is bound to; nil if it cannot be converted, which is reported.
func (c *converter) gateway(v *overlay.Istio[*networking.VirtualService], i int) *gateway {
	name := istio.GatewayName(v.Spec.GetGateways()[i], v.Namespace)
	if found, ok := c.gateways[name]; ok {
		return found
	}
	n := slices.IndexFunc(c.overlay.Gateways, func(g overlay.Istio[*networking.Gateway]) bool { return g.Namespace+"/"+g.Name == name })
	if n < 0 || c.isGiven(c.overlay.Gateways[n].Meta) {
		c.reject(v, fmt.Sprintf("spec.gateways[%d]", i), "want a Gateway among the files, got %s, which is not", name)
		return nil
	}
	g := &gateway{from: &c.overlay.Gateways[n]}
	before := len(c.report.Problems)
	g.Meta = overlay.Meta{APIVersion: overlay.GatewayAPI + "/v1", Kind: "Gateway", Name: g.from.Name, Labels: g.from.Labels}
	g.spec.GatewayClassName = gatewayapi.Class
	if service, ok := c.gatewayService(g.from); ok {
		g.Namespace = service.Namespace
		g.spec.Addresses = []overlay.GatewayAddress{{Type: "Hostname", Value: istio.ServiceHost(service.Name, service.Namespace)}}
	}
	for i, s := range g.from.Spec.GetServers() {
		c.server(g, fmt.Sprintf("spec.servers[%d]", i), s)
	}
	slices.Sort(g.ports)
	g.ports = slices.Compact(g.ports)
	if len(c.report.Problems) > before {
		g = nil
	}
	c.gateways[name] = g
	return g
}

// gatewayService returns the Service of the pods that a Gateway selects: of Istio's own gateways, or of the files.
func (c *converter) gatewayService(g *overlay.Istio[*networking.Gateway]) (found overlay.Meta, ok bool) {
	selector := g.Spec.GetSelector()
	var all []overlay.Meta
	for _, own := range istio.Gateways() {
		if istio.HasLabels(own.Labels, selector) {
			all = append(all, overlay.Meta{Kind: "Service", Namespace: istio.RootNamespace, Name: own.Name})
		}
	}
	for _, s := range c.overlay.Services {
		if len(selector) > 0 && istio.HasLabels(s.Selector, selector) {
			all = append(all, s.Meta)
		}
	}
	if len(all) != 1 {
		c.reject(g, "spec.selector", "want labels that select the pods of exactly one Service (Istio's ingress or egress gateway, or one of the files), got %d Services for %s",
			len(all), istio.LabelText(selector))
		return found, false
	}
	return all[0], true
}

// server adds a listener for each host of a server.
func (c *converter) server(g *gateway, path string, s *networking.Server) {
	switch {
	case !istio.ParseProtocol(s.GetPort().GetProtocol()).PlainHTTP():
		c.reject(g.from, path+".port.protocol", "want HTTP, since the lab has no certificates to compare by, got %s", s.GetPort().GetProtocol())
		return
	case s.GetTls().GetHttpsRedirect():
		c.reject(g.from, path+".tls.httpsRedirect", "want none: a listener redirects nothing; a rule of a VirtualService with redirect.scheme does")
		return
	}
	g.ports = append(g.ports, int(s.GetPort().GetNumber()))
	for i, entry := range s.GetHosts() {
		owner, host := istio.ServerHost(entry, g.from.Namespace)
		l := overlay.Listener{Port: istio.GatewayServicePort(int(s.GetPort().GetNumber())), Protocol: "HTTP"}
		if host != "*" {
			l.Hostname = host
		}
		l.Name = g.listenerName(s.GetPort().GetName())
		l.AllowedRoutes = &overlay.AllowedRoutes{Namespaces: &overlay.RouteNamespaces{From: "All"}}
		switch owner {
		case "*":
		case "~":
			c.reject(g.from, fmt.Sprintf("%s.hosts[%d]", path, i), "want * or a namespace before the host, since a listener for ~ would have no routes, got %s", entry)
		default:
			l.AllowedRoutes.Namespaces = &overlay.RouteNamespaces{From: "Selector",
				Selector: &overlay.NamespaceSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": owner}}}
		}
		g.spec.Listeners = append(g.spec.Listeners, l)
	}
}

// listenerName returns a name that no listener has yet.
func (g *gateway) listenerName(wanted string) string {
	base := validName(wanted)
	if base == "" {
		base = "http"
	}
	name := base
	for n := 2; slices.ContainsFunc(g.spec.Listeners, func(l overlay.Listener) bool { return l.Name == name }); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name
}

// nameGateways names the Gateways: those of several namespaces get the namespace of their Service.
func (c *converter) nameGateways() {
	var claims []claim
	var all []*gateway
	for _, name := range slices.Sorted(maps.Keys(c.gateways)) {
		if g := c.gateways[name]; g != nil {
			claims = append(claims, claim{g.Meta, g.from.String()})
			all = append(all, g)
		}
	}
	for i, m := range c.names.give(claims) {
		all[i].Meta = m
	}
}

// addGateways writes the Gateways.
func (c *converter) addGateways() {
	for _, name := range slices.Sorted(maps.Keys(c.gateways)) {
		if g := c.gateways[name]; g != nil {
			c.out.Objects = append(c.out.Objects, Object{Meta: g.Meta, Spec: &g.spec, of: g.from.String()})
		}
	}
}
