package mesh

import (
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// passthrough compiles what a sidecar does with requests to hosts that it does not know, where a Sidecar object sets outboundTrafficPolicy
// ALLOW_ANY. The request goes to the address that the name has for the caller, without any rule and without mutual TLS: to the pods of a
// Service that the caller's sidecar does not see, otherwise to the host that the request names.
// (pilot/pkg/networking/core/route/route.go of Istio 1.31, buildCatchAllVirtualHost, and the cluster PassthroughCluster)
type passthrough struct {
	object    string // the Sidecar
	namespace string
	hidden    []*service // Services that the sidecar does not see
	not       []int      // ports of other protocols
	made      map[string]*Cluster
}

// passthroughName is Istio's name of the cluster.
const passthroughName = "PassthroughCluster"

// newPassthrough returns nil unless the scope's Sidecar allows any host. all holds all Services, seen those that the caller's sidecar sees.
func newPassthrough(s scope, namespace string, all, seen []*service, made map[string]*Cluster) *passthrough {
	if s.outbound.GetMode() != networking.OutboundTrafficPolicy_ALLOW_ANY {
		return nil
	}
	p := &passthrough{object: s.object, namespace: namespace, made: made}
	for _, svc := range all {
		if svc.kubernetes && svc.gateway == "" && !slices.Contains(seen, svc) {
			p.hidden = append(p.hidden, svc)
		}
	}
	for _, svc := range seen {
		for _, at := range svc.ports {
			if !at.http {
				p.not = append(p.not, at.number)
			}
		}
	}
	return p
}

// complete adds the hosts that a port's table does not have.
func (p *passthrough) complete(t *portTable, port int) {
	if slices.Contains(p.not, port) {
		return
	}
	for _, svc := range p.hidden {
		if at, ok := svc.port(port); ok && at.http {
			host := p.host(&Cluster{Name: passthroughName, Host: svc.host, Port: port, Known: true, Namespace: svc.namespace, Selector: bothLabels(svc.selector, nil),
				Target: at.target, TargetName: at.targetName, Given: svc.given, Balancer: Random, Passthrough: true})
			for _, d := range istio.Domains(svc.host, p.namespace) {
				t.add(d, host)
			}
		}
	}
	t.add("*", p.host(&Cluster{Name: passthroughName, Host: passthroughName, Known: true, Original: true, External: true, Balancer: Random, Passthrough: true}))
}

// host returns a virtual host whose only rule sends everything to a cluster, once and without a timeout.
func (p *passthrough) host(to *Cluster) *virtualHost {
	key := strings.Join([]string{to.Name, to.Host, hostPort("", to.Port)}, "|")
	if p.made[key] == nil {
		p.made[key] = to
	}
	route := &Route{Object: p.object, Rule: "outboundTrafficPolicy ALLOW_ANY", Destinations: []Destination{{Cluster: p.made[key], Weight: 1}}}
	return newVirtualHost(p.object, []rule{{match: matcher{path: anyPath()}, route: route}}, nil)
}

// port returns the table of a port: its own, or that of all ports without one.
func (v *view) port(number int) *portTable {
	if t := v.ports[number]; t != nil {
		return t
	}
	return v.others
}

// StatesOutbound reports whether a Sidecar object states what happens to the caller's requests to unknown hosts. If not, the mesh's own setting
// applies, which in the lab is REGISTRY_ONLY.
func (t *Table) StatesOutbound(src *Source) bool {
	return newScope(t.compiler.overlay, src.Namespace, src.Labels).outbound != nil
}
