package mesh

import (
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// service is a host in the mesh: of a Kubernetes Service or a ServiceEntry.
type service struct {
	object     string // "Service hopline/middle"
	created    time.Time
	host       string
	name       string // the sort key among equal hosts
	namespace  string
	kubernetes bool
	ports      []servicePort
	exportTo   []string // empty: everywhere
	addresses  []string // further names: a ServiceEntry's virtual addresses

	selector map[string]string        // of pods in namespace
	entry    *networking.ServiceEntry // with its own endpoints
	given    bool                     // whether its endpoints are assumed to exist; see overlay.Assume
	gateway  string                   // a built-in gateway, by name
	labels   map[string]string        // of the built-in gateway's pods
}

// servicePort is one port of a service.
type servicePort struct {
	index      int // in spec.ports
	number     int
	name       string
	target     int
	targetName string
	protocol   istio.Protocol
	http       bool // whether requests to it are routed; ports of other protocols only have a cluster
}

// age returns what Istio orders services by.
func (s *service) age() overlay.Meta {
	return overlay.Meta{Created: s.created, Name: s.name, Namespace: s.namespace}
}

func (s *service) port(number int) (servicePort, bool) {
	for _, p := range s.ports {
		if p.number == number {
			return p, true
		}
	}
	return servicePort{}, false
}

// collectServices lists the services of an overlay's Services, ServiceEntries and the built-in gateways, in Istio's order.
func collectServices(o *overlay.Overlay, noMesh bool, report *overlay.Report) []*service {
	var out []*service
	for i := range o.Services {
		out = append(out, kubernetesService(&o.Services[i], noMesh, o.Lenient))
	}
	for i := range o.ServiceEntries {
		out = append(out, entryServices(&o.ServiceEntries[i], o.Lenient, report)...)
	}
	if !noMesh {
		for _, g := range istio.Gateways() {
			out = append(out, gatewayService(g))
		}
	}
	slices.SortStableFunc(out, func(a, b *service) int {
		return a.age().CompareAge(b.age())
	})
	checkHosts(out, report)
	checkEndpoints(o, out, report)
	return out
}

func kubernetesService(s *overlay.Service, noMesh, lenient bool) *service {
	out := &service{object: s.String(), created: s.Created, host: istio.ServiceHost(s.Name, s.Namespace), name: s.Name, namespace: s.Namespace,
		kubernetes: true, selector: s.Selector, given: s.Given, exportTo: istio.ParseExportTo(s.Annotations[istio.ExportToAnnotation])}
	for _, p := range s.Ports {
		target, name := targetPort(p.Target, p.Port)
		protocol := istio.ServicePortProtocol(p.Port, p.Name, p.AppProtocol)
		out.ports = append(out.ports, servicePort{index: p.Index, number: p.Port, name: p.Name, target: target, targetName: name, protocol: protocol,
			http: carries(protocol, lenient) || noMesh && !lenient})
	}
	return out
}

// carries reports whether requests to a port of a protocol are routed: those of HTTP/1. In a lenient overlay those of HTTP/2 are, too: Istio
// routes them by the same rules, and the stand-ins behind them speak HTTP/1.1.
func carries(p istio.Protocol, lenient bool) bool { return p.HTTP() && (lenient || !p.HTTP2()) }

func targetPort(target string, port int) (number int, name string) {
	if target == "" {
		return port, ""
	}
	if n, err := strconv.Atoi(target); err == nil {
		return n, ""
	}
	return 0, target
}

func entryServices(e *overlay.Istio[*networking.ServiceEntry], lenient bool, report *overlay.Report) []*service {
	var ports []servicePort
	for i, p := range e.Spec.GetPorts() {
		target := int(p.GetTargetPort())
		if target == 0 {
			target = int(p.GetNumber())
		}
		protocol := istio.ParseProtocol(p.GetProtocol())
		ports = append(ports, servicePort{index: i, number: int(p.GetNumber()), name: p.GetName(), target: target, protocol: protocol, http: carries(protocol, lenient)})
	}
	checkEntry(e, report)
	var out []*service
	for _, host := range e.Spec.GetHosts() {
		out = append(out, &service{object: e.String(), created: e.Created, host: host, name: host, namespace: e.Namespace, ports: ports,
			exportTo: e.Spec.GetExportTo(), addresses: e.Spec.GetAddresses(), selector: e.Spec.GetWorkloadSelector().GetLabels(), entry: e.Spec})
	}
	return out
}

// gatewayService returns the Service of a built-in gateway, with the ports of Istio's own installation.
func gatewayService(g istio.Gateway) *service {
	out := &service{object: "Service " + istio.RootNamespace + "/" + g.Name, host: istio.ServiceHost(g.Name, istio.RootNamespace), name: g.Name,
		namespace: istio.RootNamespace, kubernetes: true, gateway: g.Name, labels: g.Labels}
	for _, p := range istio.GatewayPorts() {
		out.ports = append(out.ports, servicePort{number: p.Number, name: p.Name, target: p.Target, protocol: istio.ServicePortProtocol(p.Number, p.Name, ""),
			http: p.Number == 80})
	}
	return out
}

// registry holds the services as one namespace sees them.
type registry struct {
	visible []*service          // all that are exported to it, in Istio's order
	listed  []*service          // those with a name in sidecars' listeners
	byHost  map[string]*service // for each host, the service whose endpoints count
}

// newRegistry selects the services that a namespace sees. If several have one host, the namespace's own wins, then Kubernetes' own, then
// the first by namespace.
func newRegistry(all []*service, namespace string) registry {
	r := registry{byHost: map[string]*service{}}
	for _, s := range all {
		if !istio.VisibleFrom(s.exportTo, s.namespace, namespace) {
			continue
		}
		r.visible = append(r.visible, s)
		old := r.byHost[s.host]
		if old == nil || s.namespace == namespace || !old.kubernetes && s.kubernetes && old.namespace != namespace {
			r.byHost[s.host] = s
		}
	}
	for _, s := range r.visible {
		if r.byHost[s.host] == s {
			r.listed = append(r.listed, s)
		}
	}
	return r
}

// endpointPort returns the port of a ServiceEntry's endpoint that serves one of its ports.
func endpointPort(e *networking.WorkloadEntry, p servicePort) int {
	if n, ok := e.GetPorts()[p.name]; ok && n > 0 {
		return int(n)
	}
	return p.target
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
