package mesh

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
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
	uncarried  []uncarriedPort
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
	number     int
	name       string
	target     int
	targetName string
	http       bool // whether rules apply to it; ports of other protocols only have a cluster
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
		out = append(out, kubernetesService(&o.Services[i], noMesh, o.Lenient, report))
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

func kubernetesService(s *overlay.Service, noMesh, lenient bool, report *overlay.Report) *service {
	out := &service{object: s.String(), created: s.Created, host: istio.ServiceHost(s.Name, s.Namespace), name: s.Name, namespace: s.Namespace,
		kubernetes: true, selector: s.Selector, given: s.Given, exportTo: istio.ParseExportTo(s.Annotations[istio.ExportToAnnotation])}
	for i, p := range s.Ports {
		target, name := targetPort(p.Target, p.Port)
		protocol := servicePortProtocol(p)
		switch {
		case isHTTP(protocol), lenient && isMultiplexed(protocol):
		case noMesh && !lenient:
		case lenient:
			out.uncarried = append(out.uncarried, uncarriedPort{object: out.object, index: i, number: p.Port, protocol: protocol})
			continue
		default:
			report.Add(out.object, fmt.Sprintf("spec.ports[%d]", i), "protocol %s is not supported by the lab: want http", protocol)
		}
		out.ports = append(out.ports, servicePort{number: p.Port, name: p.Name, target: target, targetName: name, http: true})
	}
	return out
}

// isMultiplexed reports whether a protocol is HTTP/2, whose requests Istio routes by the same rules as those of HTTP/1.
func isMultiplexed(protocol string) bool {
	return protocol == "http2" || protocol == "grpc" || protocol == "grpc-web"
}

func targetPort(target string, port int) (number int, name string) {
	if target == "" {
		return port, ""
	}
	if n, err := strconv.Atoi(target); err == nil {
		return n, ""
	}
	return 0, target
}

// servicePortProtocol returns the protocol that Istio derives from a port's appProtocol or its name, "<protocol>[-<suffix>]".
// (https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/)
func servicePortProtocol(p overlay.ServicePort) string {
	if p.AppProtocol != "" {
		return strings.ToLower(p.AppProtocol)
	}
	protocol, _, _ := strings.Cut(strings.ToLower(p.Name), "-")
	return protocol
}

// isHTTP reports whether the lab routes a port of a protocol: plain HTTP/1, and protocols that Istio would detect.
func isHTTP(protocol string) bool {
	switch protocol {
	case "http2", "grpc", "https", "tls", "tcp", "udp", "mongo", "mysql", "redis", "thrift", "hbone":
		return false
	}
	return true
}

func entryServices(e *overlay.Istio[*networking.ServiceEntry], lenient bool, report *overlay.Report) []*service {
	var ports []servicePort
	var left []uncarriedPort
	for i, p := range e.Spec.GetPorts() {
		if protocol := strings.ToLower(p.GetProtocol()); protocol != "" && protocol != "http" && !(lenient && isMultiplexed(protocol)) {
			left = append(left, uncarriedPort{object: e.String(), index: i, number: int(p.GetNumber()), protocol: p.GetProtocol()})
			continue
		}
		target := int(p.GetTargetPort())
		if target == 0 {
			target = int(p.GetNumber())
		}
		ports = append(ports, servicePort{number: int(p.GetNumber()), name: p.GetName(), target: target, http: true})
	}
	if len(ports) == 0 && !lenient { // no port would be left
		for _, p := range left {
			report.Add(e.String(), fmt.Sprintf("spec.ports[%d].protocol", p.index), "%s is not supported by the lab: want HTTP", p.protocol)
		}
	}
	checkEntry(e, report)
	var out []*service
	for _, host := range e.Spec.GetHosts() {
		out = append(out, &service{object: e.String(), created: e.Created, host: host, name: host, namespace: e.Namespace, ports: ports, uncarried: left,
			exportTo: e.Spec.GetExportTo(), addresses: e.Spec.GetAddresses(), selector: e.Spec.GetWorkloadSelector().GetLabels(), entry: e.Spec})
	}
	return out
}

// gatewayService returns the Service of a built-in gateway, with the ports of Istio's own installation.
func gatewayService(g istio.Gateway) *service {
	out := &service{object: "Service " + istio.RootNamespace + "/" + g.Name, host: istio.ServiceHost(g.Name, istio.RootNamespace), name: g.Name,
		namespace: istio.RootNamespace, kubernetes: true, gateway: g.Name, labels: g.Labels}
	for _, p := range istio.GatewayPorts() {
		out.ports = append(out.ports, servicePort{number: p.Number, name: p.Name, target: p.Target, http: p.Number == 80})
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
