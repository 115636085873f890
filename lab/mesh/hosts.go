package mesh

import (
	"net/netip"
	"strings"
)

const (
	clusterDomain = "svc.cluster.local" // the suffix after name.namespace in the DNS name of a Service
	rootNamespace = "istio-system"      // Istio's root namespace: its rules apply to the whole mesh
	meshGateway   = "mesh"              // the reserved gateway name for all sidecars
)

// fullName returns the full name that Istio derives from a host in a rule. A host without a dot gets the rule's namespace; every other host
// is complete already. "reviews" in namespace default means reviews.default.svc.cluster.local; "reviews.default" stays unchanged.
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

// serviceName returns the name of a Kubernetes Service in the mesh.
func serviceName(name, namespace string) string {
	return name + "." + namespace + "." + clusterDomain
}

func isWildcard(host string) bool { return strings.HasPrefix(host, "*") }

// within reports whether b matches every host that a matches.
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

// overlap reports whether one of a and b is within the other.
func overlap(a, b string) bool { return within(a, b) || within(b, a) }

// mostSpecific returns the value of m for a host: under its exact name, or under the longest wildcard that matches it.
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

// serviceDomains returns the names by which a sidecar in a namespace reaches a host. For Services these include the short names that
// cluster DNS completes. Each host also has an absolute form with a final dot.
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

// withoutPort removes the port from an authority. The brackets of an IPv6 address stay.
func withoutPort(authority string) string {
	i := strings.LastIndexByte(authority, ':')
	if i < 0 || i < strings.LastIndexByte(authority, ']') {
		return authority
	}
	return authority[:i]
}
