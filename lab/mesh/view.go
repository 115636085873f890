package mesh

import (
	"maps"
	"slices"

	"github.com/hopline/hopline/lab/gatewayapi"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh/destinationrule"
	"github.com/hopline/hopline/lab/overlay"
)

// view is the table for one kind of caller: callers of one namespace whose labels agree wherever rules look at them.
type view struct {
	values []labelValue // of table.watched
	ports  map[int]*portTable
	others *portTable // of a sidecar that passes requests to unknown hosts on: all other ports; else nil
	made   map[string]*Cluster
}

type labelValue struct {
	value string
	ok    bool
}

// place is a caller's location.
type place struct {
	namespace string
	gateway   bool
}

// has reports whether the view is for callers with these labels.
func (v *view) has(watched []string, labels map[string]string) bool {
	for i, k := range watched {
		value, ok := labels[k]
		if v.values[i] != (labelValue{value, ok}) {
			return false
		}
	}
	return true
}

// watchedLabels returns the labels whose values matter to any rule.
func watchedLabels(o *overlay.Overlay, gateways []gatewayObject) []string {
	seen := selectedLabels(o)
	for _, g := range gateways {
		for k := range g.selector {
			seen[k] = nil
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// compiler holds the input of views.
type compiler struct {
	overlay  *overlay.Overlay
	routes   *gatewayapi.Rules
	gateways []gatewayObject
	services []*service
	byHost   map[string]*service // Kubernetes Services
	rules    []*virtualService
	left     []Unreached // what Istio leaves out when it merges delegates
	policies *destinationrule.Rules
	watched  []string
	noMesh   bool
}

func newCompiler(o *overlay.Overlay, noMesh bool, report *overlay.Report) *compiler {
	routes := gatewayapi.Convert(o)
	gateways := gatewayObjects(o, routes)
	c := &compiler{overlay: o, routes: routes, gateways: gateways, services: collectServices(o, noMesh, report), byHost: map[string]*service{},
		policies: destinationrule.Merge(o), watched: watchedLabels(o, gateways), noMesh: noMesh}
	for _, s := range c.services {
		if s.kubernetes {
			c.byHost[s.host] = s
		}
	}
	reportDelegates(o, report)
	c.rules, c.left = resolveDelegates(newVirtualServices(o, routes.Routes), o.Lenient)
	checkRules(c.rules, report)
	return c
}

// view compiles the view of a caller.
func (c *compiler) view(src *Source) *view {
	v := &view{ports: map[int]*portTable{}, made: map[string]*Cluster{}}
	for _, k := range c.watched {
		value, ok := src.Labels[k]
		v.values = append(v.values, labelValue{value, ok})
	}
	everything := newRegistry(c.services, src.Namespace)
	l := listener{namespace: src.Namespace, labels: src.Labels, gateway: istio.MeshGateway,
		clusters: &clusters{namespace: src.Namespace, labels: src.Labels, services: everything.byHost, all: c.byHost, rules: c.policies,
			noMesh: c.noMesh, made: v.made}}
	if src.Gateway {
		g := &gateway{listener: l, servers: newServers(c.gateways, src), rules: c.rules}
		for port := range g.servers {
			v.ports[port] = g.table(port)
		}
		return v
	}
	scope := newScope(c.overlay, src.Namespace, src.Labels)
	rules := scope.virtualServices(boundTo(c.rules, istio.MeshGateway, src.Namespace))
	seen := newRegistry(scope.services(everything.visible), src.Namespace)
	l.clusters.services = c.destinations(seen, everything, rules)
	s := newSidecar(l, seen.listed, rules, c.noMesh)
	for _, port := range s.ports() {
		v.ports[port] = s.table(port)
	}
	if p := newPassthrough(scope, src.Namespace, c.services, seen.visible, v.made); p != nil {
		v.pass(p)
	}
	return v
}

// pass lets a sidecar's view pass requests to unknown hosts on.
func (v *view) pass(p *passthrough) {
	for _, svc := range p.hidden {
		for _, at := range svc.ports {
			if v.ports[at.number] == nil {
				v.ports[at.number] = newPortTable()
			}
		}
	}
	for _, number := range p.not {
		if v.ports[number] == nil {
			v.ports[number] = newPortTable()
		}
	}
	for number, t := range v.ports {
		p.complete(t, number)
	}
	v.others = newPortTable()
	v.others.any = p.host(&Cluster{Name: passthroughName, Host: passthroughName, Known: true, Original: true, External: true, Balancer: Random, Passthrough: true})
}

// destinations adds to the services in scope the destinations of VirtualServices in scope.
func (c *compiler) destinations(seen, everything registry, rules []*virtualService) map[string]*service {
	out := seen.byHost
	add := func(host string) {
		if s := everything.byHost[host]; s != nil && out[host] == nil {
			out[host] = s
		}
	}
	for _, v := range rules {
		for _, h := range v.http {
			for _, r := range h.GetRoute() {
				add(r.GetDestination().GetHost())
			}
			for _, m := range istio.Mirrors(h) {
				add(m.Destination.GetHost())
			}
		}
	}
	return out
}

// clusters returns all clusters that the view's decisions can name, by name.
func (v *view) clusters() []*Cluster {
	var out []*Cluster
	for _, name := range slices.Sorted(maps.Keys(v.made)) {
		out = append(out, v.made[name])
	}
	return out
}

// gatewayPorts returns the ports of a gateway's view.
func (v *view) gatewayPorts() []int { return slices.Sorted(maps.Keys(v.ports)) }
