package istio

import "strings"

// MeshGateway is the name in a VirtualService's gateways that means all sidecars.
const MeshGateway = "mesh"

// Gateway describes a gateway of Istio's own installation.
type Gateway struct {
	Name           string // of its Deployment and its Service
	Namespace      string
	Labels         map[string]string
	ServiceAccount string
}

// Ingress returns the ingress gateway.
func Ingress() Gateway { return installed("ingressgateway") }

// Egress returns the egress gateway.
func Egress() Gateway { return installed("egressgateway") }

func installed(label string) Gateway {
	name := "istio-" + label
	return Gateway{Name: name, Namespace: RootNamespace, Labels: map[string]string{"istio": label, "app": name}, ServiceAccount: name + "-service-account"}
}

// Gateways returns the gateways that istioctl installs. The lab has each of them.
func Gateways() []Gateway { return []Gateway{Ingress(), Egress()} }

// HelmIngress returns the ingress gateway that Istio's documentation installs by Helm. The lab has it if a Gateway selects it.
// (https://istio.io/latest/docs/setup/install/helm/ and manifests/charts/gateway/templates/_helpers.tpl of Istio 1.31)
func HelmIngress() Gateway {
	const name = "istio-ingress"
	return Gateway{Name: name, Namespace: name, Labels: map[string]string{"istio": "ingress", "app": name}, ServiceAccount: name}
}

// GatewayPort is a port of a gateway's Service.
type GatewayPort struct {
	Name   string
	Number int
	Target int // the port of the gateway's pods
}

// GatewayPorts returns the ports of a gateway's Service that carry requests.
// (manifests/charts/gateways/istio-ingress/values.yaml and istio-egress/values.yaml of Istio 1.31)
func GatewayPorts() []GatewayPort { return []GatewayPort{{"http2", 80, 8080}, {"https", 443, 8443}} }

// GatewayTarget returns the port of a gateway's pods for a port of its Service and of a Gateway's server. A port that the Service does not
// have is a port of the pods.
func GatewayTarget(port int) int {
	for _, p := range GatewayPorts() {
		if p.Number == port {
			return p.Target
		}
	}
	return port
}

// GatewayServicePort returns the port of a gateway's Service by which requests reach a Gateway's server. A server names that port, or the
// port of the gateway's pods for it.
// (pilot/pkg/model/gateway.go of Istio 1.31, resolvePorts)
func GatewayServicePort(port int) int {
	for _, p := range GatewayPorts() {
		if p.Target == port {
			return p.Number
		}
	}
	return port
}

// GatewayName returns the full name, namespace/name, of a Gateway that a VirtualService of a namespace refers to. MeshGateway does not
// change. A name with dots is the older form, name.namespace.svc.cluster.local.
// (pilot/pkg/model/config.go of Istio 1.31, resolveGatewayName)
func GatewayName(name, namespace string) string {
	owner, short, qualified := strings.Cut(name, "/")
	switch {
	case name == MeshGateway, qualified && owner != ".":
		return name
	case qualified:
		return namespace + "/" + short
	}
	if first, rest, dotted := strings.Cut(name, "."); dotted {
		owner, _, _ := strings.Cut(rest, ".")
		return owner + "/" + first
	}
	return namespace + "/" + name
}

// ServerHost splits a host of a Gateway's server in a namespace: "host", "namespace/host", "./host" or "*/host". The owner is the namespace
// of the VirtualServices that may use the host, or "*" for all.
// (https://istio.io/latest/docs/reference/config/networking/gateway/#Server, field hosts)
func ServerHost(entry, namespace string) (owner, host string) {
	owner, host, qualified := strings.Cut(entry, "/")
	switch {
	case !qualified:
		return "*", entry
	case owner == ".":
		return namespace, host
	}
	return owner, host
}

// Principal returns the identity of a workload in its certificate, without the scheme spiffe://.
func Principal(namespace, serviceAccount string) string {
	return TrustDomain + "/ns/" + namespace + "/sa/" + serviceAccount
}

// TrustDomain is the trust domain, and the name of the mesh, of Istio's own installation.
const TrustDomain = "cluster.local"
