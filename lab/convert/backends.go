package convert

import (
	"fmt"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// backends converts the destinations of a rule with their weights. The only destination gets all requests, whatever its weight is.
func (r *ruleOf) backends() (out []overlay.HTTPBackendRef) {
	for i, d := range r.http.GetRoute() {
		path := fmt.Sprintf(".route[%d].destination", i)
		ref, ok := r.backend(d.GetDestination(), path)
		if !ok {
			continue
		}
		b := overlay.HTTPBackendRef{BackendRef: ref, Filters: modifiers(d.GetHeaders())}
		if len(r.http.GetRoute()) > 1 {
			b.Weight = new(int(d.GetWeight()))
		}
		out = append(out, b)
	}
	return out
}

// backend converts a destination; ok is false if it has no counterpart, which is reported.
func (r *ruleOf) backend(d *networking.Destination, path string) (ref overlay.BackendRef, ok bool) {
	host := istio.FullHost(d.GetHost(), r.v.Namespace)
	service, ports := r.serviceOf(host)
	switch {
	case d.GetSubset() != "":
		v := r.versions[overlay.SubsetName{Host: host, Subset: d.GetSubset()}]
		if v == nil {
			r.reject(path+".subset", "want a subset that a DestinationRule among the files has, whose Service is among them too, got %s of %s", d.GetSubset(), host)
			return ref, false
		}
		service = &v.Meta
	case service != nil:
	case r.entries[host] != nil:
		for _, p := range r.entries[host].Spec.GetPorts() {
			ports = append(ports, int(p.GetNumber()))
		}
		ref.Group, ref.Kind, ref.Name = "networking.istio.io", "Hostname", host
	default:
		r.reject(path+".host", "want the host of a Service or a ServiceEntry, got %s", host)
		return ref, false
	}
	if service != nil {
		ref.Name = service.Name
		if service.Namespace != r.to.namespace {
			ref.Namespace = service.Namespace
			r.grant(r.to, *service)
		}
	}
	ref.Port = r.port(d, ports)
	if ref.Port == 0 {
		r.reject(path+".port", "want a port: the one of %s depends on what is not among the files, or on the port of the request", host)
	}
	return ref, ref.Port != 0
}

// serviceOf returns the Service of a host, of the files or of Istio's own gateways, and its ports; no ports if they are not known.
func (c *converter) serviceOf(host string) (*overlay.Meta, []int) {
	if s := c.services[host]; s != nil {
		var ports []int
		for _, p := range s.Ports {
			if !c.isGiven(s.Meta) {
				ports = append(ports, p.Port)
			}
		}
		return &s.Meta, ports
	}
	for _, g := range istio.Gateways() {
		if host == istio.ServiceHost(g.Name, istio.RootNamespace) {
			return &overlay.Meta{Kind: "Service", Namespace: istio.RootNamespace, Name: g.Name}, []int{80, 443}
		}
	}
	return nil, nil
}

// port returns the port of a destination; 0 if it is not known. In the mesh a destination without a port gets that of the request, at a gateway
// its Service's only port or that of the Gateway's server.
func (r *ruleOf) port(d *networking.Destination, ports []int) int {
	switch {
	case d.GetPort() != nil:
		return int(d.GetPort().GetNumber())
	case !r.to.only:
		return r.to.port
	case len(ports) == 1:
		return ports[0]
	case len(ports) == 0:
		return 0
	}
	return r.to.port
}
