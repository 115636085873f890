package mesh

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// hash returns the consistent hashing that a DestinationRule sets for a destination; nil for none. Istio separates whether a cluster hashes
// from what it hashes by. The first depends on the port of the cluster. The second, returned here, depends on the port that the destination
// names, 0 for none. So the settings of a port do not apply to a destination without a port: its requests have no key and are sent to any
// endpoint.
func (c *clusters) hash(host string, port int, subset string) *networking.LoadBalancerSettings_ConsistentHashLB {
	s := c.services[host]
	if s == nil {
		return nil
	}
	rule := c.rules.Find(host, s.namespace, c.namespace, c.labels)
	return rule.Hash(rule.Subset(subset), port)
}

// hash returns the consistent hashing for a destination as a rule names it.
func (l *listener) hash(d *networking.Destination) *networking.LoadBalancerSettings_ConsistentHashLB {
	return l.clusters.hash(d.GetHost(), int(d.GetPort().GetNumber()), d.GetSubset())
}

// addKey adds the key of a consistent hash, if there is one.
func (r *Route) addKey(h *networking.LoadBalancerSettings_ConsistentHashLB) {
	k := HashKey{Header: h.GetHttpHeaderName(), Query: h.GetHttpQueryParameterName(), Source: h.GetUseSourceIp()}
	if cookie := h.GetHttpCookie(); cookie != nil {
		k.Cookie, k.CookiePath = cookie.GetName(), cookie.GetPath()
		k.CookieMake, k.CookieTTL = cookie.GetTtl() != nil, cookie.GetTtl().AsDuration()
	}
	if k != (HashKey{}) {
		r.Hash = append(r.Hash, k)
	}
}

// hashText describes the keys by which a consistent hash picks the endpoint; empty if no destination has one.
func (r *Route) hashText() string {
	if !slices.ContainsFunc(r.Destinations, func(d Destination) bool { return d.Cluster.Balancer == ConsistentHash }) {
		return ""
	}
	if len(r.Hash) == 0 {
		return "consistent hash without a key, as it is for a port that the destination does not name: any endpoint"
	}
	var keys []string
	for _, k := range r.Hash {
		switch {
		case k.Header != "":
			keys = append(keys, "header "+k.Header)
		case k.Query != "":
			keys = append(keys, "query parameter "+k.Query)
		case k.Cookie != "":
			keys = append(keys, "cookie "+k.Cookie)
		default:
			keys = append(keys, "the caller's address")
		}
	}
	return "consistent hash of " + strings.Join(keys, " and ")
}
