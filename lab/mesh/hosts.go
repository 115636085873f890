package mesh

import (
	"net/netip"
	"strings"
)

const (
	clusterDomain = "svc.cluster.local" // what follows name.namespace in the DNS name of a Service
	rootNamespace = "istio-system"      // Istio's root namespace: its rules hold for the whole mesh
	meshGateway   = "mesh"              // the reserved gateway name that means all sidecars
)

// fullName is the name that Istio takes a host in a rule for: one without a dot is completed by the rule's namespace, whatever else
// is complete already. "reviews" in namespace default means reviews.default.svc.cluster.local; "reviews.default" means just that.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService, field hosts)
func fullName(host, namespace string) string {
	if host == "" || host == "*" || strings.Contains(host, ".") {
		return host
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	return host + "." + namespace + "." + clusterDomain
}

// serviceName is the name of a Kubernetes Service in the mesh.
func serviceName(name, namespace string) string {
	return name + "." + namespace + "." + clusterDomain
}

func isWildcard(host string) bool { return strings.HasPrefix(host, "*") }

// within says whether every host that a names is one that b names, too.
func within(a, b string) bool {
	switch {
	case !isWildcard(b):
		return a == b
	case isWildcard(a):
		return len(a) >= len(b) && strings.HasSuffix(a[1:], b[1:])
	default:
		return strings.HasSuffix(a, b[1:])
	}
}

// overlap says whether one of a and b is within the other.
func overlap(a, b string) bool { return within(a, b) || within(b, a) }

// mostSpecific finds what m has for a host: under its very name, or under the longest wildcard that covers it.
func mostSpecific[V any](m map[string]V, host string) (V, bool) {
	if v, ok := m[host]; ok {
		return v, true
	}
	tail := strings.TrimPrefix(host, "*")
	for i := range len(tail) + 1 {
		if v, ok := m["*"+tail[i:]]; ok {
			return v, true
		}
	}
	var none V
	return none, false
}

// serviceDomains are the names by which a sidecar in a namespace reaches a host: for Services the short ones that cluster DNS
// completes, and each host's absolute form with a final dot.
func serviceDomains(host, fromNamespace string) []string {
	domains := []string{host}
	if _, err := netip.ParseAddr(host); err != nil {
		domains = append(domains, host+".")
	}
	short, ok := strings.CutSuffix(host, "."+clusterDomain)
	if !ok {
		return domains
	}
	name, namespace, ok := strings.Cut(short, ".")
	if !ok {
		return domains
	}
	if namespace == fromNamespace {
		domains = append(domains, name)
	}
	return append(domains, short, short+".svc")
}

// withoutPort cuts the port off an authority. The brackets of an IPv6 address stay.
func withoutPort(authority string) string {
	i := strings.LastIndexByte(authority, ':')
	if i < 0 || i < strings.LastIndexByte(authority, ']') {
		return authority
	}
	return authority[:i]
}
