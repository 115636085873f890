package mesh

import (
	"maps"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
)

// virtualHost holds the rules of some host names.
type virtualHost struct {
	name  string // the object that it is compiled from, or the host that several objects share
	rules []rule
	index *index
	over  []passedOver // rules left out
	// refused reports whether no rule applies to its requests: they are to a port that is not carried.
	refused bool
	tls     serverTLS // of the gateway's server
}

func newVirtualHost(name string, rules []rule, over []passedOver) *virtualHost {
	return &virtualHost{name: name, rules: rules, index: newIndex(rules), over: over}
}

// portTable finds the virtual host of an authority on one port: the exact name, else the longest wildcard, else "*". It ignores letter case
// and the authority's port.
// (https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-virtualhost)
type portTable struct {
	names   map[string]*virtualHost
	tails   map[string]*virtualHost // what follows the star of a wildcard
	lengths []int                   // of those tails, descending
	any     *virtualHost
}

func newPortTable() *portTable {
	return &portTable{names: map[string]*virtualHost{}, tails: map[string]*virtualHost{}}
}

// add adds a domain to a virtual host unless another has it.
func (t *portTable) add(domain string, v *virtualHost) {
	domain = strings.ToLower(domain)
	switch tail := strings.TrimPrefix(domain, "*"); {
	case domain == "*":
		if t.any == nil {
			t.any = v
		}
	case tail != domain:
		if t.tails[tail] == nil {
			t.tails[tail] = v
			if !slices.Contains(t.lengths, len(tail)) {
				t.lengths = append(t.lengths, len(tail))
				slices.SortFunc(t.lengths, func(a, b int) int { return b - a })
			}
		}
	default:
		if t.names[domain] == nil {
			t.names[domain] = v
		}
	}
}

// hosts returns the virtual hosts that requests reach, in a stable order.
func (t *portTable) hosts() []*virtualHost {
	var out []*virtualHost
	seen := map[*virtualHost]bool{nil: true}
	add := func(v *virtualHost) {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.names)) {
		add(t.names[name])
	}
	for _, tail := range slices.Sorted(maps.Keys(t.tails)) {
		add(t.tails[tail])
	}
	add(t.any)
	return out
}

func (t *portTable) find(authority string) *virtualHost {
	if t == nil {
		return nil
	}
	host := withoutPort(authority)
	var buffer [256]byte // longer than any DNS name
	if len(host) > len(buffer) {
		return t.lookup([]byte(strings.ToLower(host)))
	}
	n := copy(buffer[:], host)
	for i := range n {
		buffer[i] = lower(buffer[i])
	}
	return t.lookup(buffer[:n])
}

func (t *portTable) lookup(host []byte) *virtualHost {
	if v := t.names[string(host)]; v != nil {
		return v
	}
	for _, n := range t.lengths {
		if n < len(host) { // a star matches at least one character
			if v := t.tails[string(host[len(host)-n:])]; v != nil {
				return v
			}
		}
	}
	return t.any
}

// withoutPort removes the port from an authority. The brackets of an IPv6 address stay.
func withoutPort(authority string) string {
	i := strings.LastIndexByte(authority, ':')
	if i < 0 || i < strings.LastIndexByte(authority, ']') {
		return authority
	}
	return authority[:i]
}

// CoversHost reports whether a host of a rule, which may have a wildcard, matches the host of an authority. It ignores letter case and the
// authority's port.
func CoversHost(host, authority string) bool {
	return covers(host, strings.ToLower(withoutPort(authority)))
}

// NamesService reports whether an authority names a Kubernetes Service for a caller in a namespace.
func NamesService(authority, name, namespace, from string) bool {
	return slices.Contains(istio.Domains(istio.ServiceHost(name, namespace), from), strings.ToLower(withoutPort(authority)))
}
