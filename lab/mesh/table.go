package mesh

import "github.com/hopline/hopline/lab/overlay"

// Table is what an overlay's rules come to. It never changes: an edit makes another.
type Table struct {
	plain bool
}

// Compile makes the table of an overlay, or says what the lab does not support in it, all at once, as an *overlay.Report.
func Compile(o *overlay.Overlay) (*Table, error) {
	return &Table{}, nil
}

// Plain says that the overlay has no object of Istio's: requests only find their Service.
func (t *Table) Plain() bool { return t.plain }

// Decide says what happens to a request that source sends; random is 64 random bits.
func (t *Table) Decide(req *Request, source *Source, random uint64) Decision { return Decision{} }

// Missing is the text for a request to a host that no Service or ServiceEntry names: it says which is missing.
func (t *Table) Missing(req *Request, source *Source) string { return "" }

// GatewayPorts are the ports that Gateways open on the gateway source, ascending.
func (t *Table) GatewayPorts(source *Source) []int { return nil }

// Authorize says whether the workload to, at its own sidecar, lets in a request from another, and which policy decided.
func (t *Table) Authorize(from, to *Source, req *Request) (allowed bool, policy string) {
	return true, ""
}

// NormalizePath is the path as Istio's sidecars hand it on.
func NormalizePath(pathAndQuery string) string { return pathAndQuery }

// IngressGateway is the built-in ingress gateway as the source of requests.
func IngressGateway() Source {
	return Source{Workload: "istio-ingressgateway", Namespace: "istio-system", Gateway: true,
		Labels:    map[string]string{"istio": "ingressgateway", "app": "istio-ingressgateway"},
		Principal: "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account"}
}

// EgressGateway is the built-in egress gateway as the source of requests.
func EgressGateway() Source {
	return Source{Workload: "istio-egressgateway", Namespace: "istio-system", Gateway: true,
		Labels:    map[string]string{"istio": "egressgateway", "app": "istio-egressgateway"},
		Principal: "cluster.local/ns/istio-system/sa/istio-egressgateway-service-account"}
}
