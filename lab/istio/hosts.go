package istio

import (
	"net/netip"
	"strings"
)

// ClusterDomain is the end of a Service's DNS name, after name.namespace.
const ClusterDomain = "svc.cluster.local"

// RootNamespace is Istio's root namespace: its rules apply to the whole mesh.
const RootNamespace = "istio-system"

// FullHost returns the full name that Istio derives from a host in an object of a namespace. A host without a dot gets the namespace; every
// other host is complete already. "reviews" in namespace default means reviews.default.svc.cluster.local; "reviews.default" stays unchanged.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService, field hosts)
func FullHost(host, namespace string) string {
	if host == "" || host == "*" || strings.Contains(host, ".") || IsAddress(host) {
		return host
	}
	return ServiceHost(host, namespace)
}

// ServiceHost returns the name of a Kubernetes Service in the mesh.
func ServiceHost(name, namespace string) string { return name + "." + namespace + "." + ClusterDomain }

// IsServiceHost reports whether a host is in the cluster's domain, where only Services have names.
func IsServiceHost(host string) bool { return strings.HasSuffix(host, "."+ClusterDomain) }

// ServiceOf splits the DNS name of a Service: "name.namespace", "name.namespace.svc" or the full name.
func ServiceOf(host string) (name, namespace string, ok bool) {
	host = strings.TrimSuffix(host, ".")
	host = strings.TrimSuffix(host, "."+ClusterDomain)
	host = strings.TrimSuffix(host, ".svc")
	name, namespace, ok = strings.Cut(host, ".")
	return name, namespace, ok && name != "" && namespace != "" && !strings.Contains(namespace, ".")
}

// Domains returns the names by which a sidecar in a namespace reaches a host. For Services these include the short names that cluster DNS
// completes. Each host also has an absolute form with a final dot.
func Domains(host, fromNamespace string) []string {
	domains := []string{host}
	if !IsAddress(host) {
		domains = append(domains, host+".")
	}
	short, ok := strings.CutSuffix(host, "."+ClusterDomain)
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

// IsAddress reports whether a host is an IP address.
func IsAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// IsWildcard reports whether a host begins with a star.
func IsWildcard(host string) bool { return strings.HasPrefix(host, "*") }

// Within reports whether host b matches every name that host a matches.
// (pkg/config/host/name.go of Istio 1.31, SubsetOf)
func Within(a, b string) bool {
	switch {
	case !IsWildcard(b):
		return a == b
	case IsWildcard(a):
		return len(a) >= len(b) && strings.HasSuffix(a[1:], b[1:])
	default:
		return strings.HasSuffix(a, b[1:])
	}
}

// Overlap reports whether two hosts have names in common. Then one of them is within the other.
// (pkg/config/host/name.go of Istio 1.31, Matches)
func Overlap(a, b string) bool { return Within(a, b) || Within(b, a) }

// MostSpecific returns the value of m for a host: under its exact name, or under the longest wildcard that matches it.
func MostSpecific[V any](m map[string]V, host string) (V, bool) {
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
