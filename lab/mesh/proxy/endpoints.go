package proxy

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
)

// pod is a mesh.Pod with its precomputed identity.
type pod struct {
	mesh.Pod
	who identity
}

func newPod(p *mesh.Pod) *pod { return &pod{Pod: *p, who: identify(&p.Source)} }

// endpoint is one address of a cluster. Endpoints of two states are comparable.
type endpoint struct {
	address string // host:port to dial
	pod     *pod   // nil for a ServiceEntry's address and for a gateway
	port    int    // of the container, for authorization
}

// endpoints holds the endpoints of a cluster, in a stable order.
type endpoints struct {
	list  []endpoint
	names []string // to be looked up by DNS, host:port
	fault string   // why the addresses cannot be used, as text for the response; empty if they can
}

// newState computes the endpoints of every cluster, so that no request has to. address returns the address of a gateway that workloads are
// routed to.
func newState(rules Rules, pods []*pod, address func(gateway string, port int) (string, error)) *state {
	clusters := rules.Clusters()
	s := &state{rules: rules, noMesh: rules.NoMesh(), headers: rules.MatchedHeaders(), pods: pods,
		endpoints: make(map[*mesh.Cluster]*endpoints, len(clusters)), byName: make(map[string][]*mesh.Cluster, len(clusters))}
	found := map[string][]*pod{} // by selector: thousands of clusters share few
	for _, c := range clusters {
		s.byName[c.Name] = append(s.byName[c.Name], c)
		s.endpoints[c] = s.locate(c, found, address)
	}
	return s
}

// locate computes a cluster's endpoints. found caches the pods of each selector.
func (s *state) locate(c *mesh.Cluster, found map[string][]*pod, address func(gateway string, port int) (string, error)) *endpoints {
	e := &endpoints{}
	switch {
	case c.Gateway != "":
		at, err := address(c.Gateway, c.GatewayPort)
		if err != nil {
			e.fault = fmt.Sprintf("no listener for gateway %s: %v", c.Gateway, err)
		} else {
			e.list = []endpoint{{address: at}}
		}
	case c.DNS, c.Original:
		e.names = append([]string{}, c.Addresses...) // not nil: the names are looked up
	case c.Selector == nil:
		e.static(c)
	default:
		key := selectorKey(c)
		match, ok := found[key]
		if !ok {
			match = selected(s.pods, c)
			found[key] = match
		}
		e.of(match, c)
	}
	return e
}

// keep reuses the endpoints of an older state that are equal, so that hosts and connections need not be compared again.
func (s *state) keep(old *state) {
	for c, e := range s.endpoints {
		for _, same := range old.byName[c.Name] {
			if was := old.endpoints[same]; was.equal(e) {
				s.endpoints[c] = was
			}
		}
	}
}

func (e *endpoints) equal(f *endpoints) bool {
	return e.fault == f.fault && slices.Equal(e.names, f.names) && slices.EqualFunc(e.list, f.list, func(a, b endpoint) bool {
		if a.address != b.address || a.port != b.port || (a.pod == nil) != (b.pod == nil) {
			return false
		}
		return a.pod == nil || a.pod.Name == b.pod.Name && a.pod.Principal == b.pod.Principal && maps.Equal(a.pod.Labels, b.pod.Labels)
	})
}

// of adds the pods that have the cluster's port.
func (e *endpoints) of(pods []*pod, c *mesh.Cluster) {
	for _, p := range pods {
		port := c.Target
		if c.TargetName != "" {
			port = p.Names[c.TargetName]
		}
		if address := p.Ports[port]; address != "" {
			e.list = append(e.list, endpoint{address: address, pod: p, port: port})
		}
	}
}

// static adds a ServiceEntry's fixed addresses. Only a ServiceEntry with resolution DNS may leave this machine, so that no overlay calls
// the addresses of a cluster that is not there.
func (e *endpoints) static(c *mesh.Cluster) {
	for _, a := range c.Addresses {
		ap, err := netip.ParseAddrPort(a)
		if err != nil || !ap.Addr().Unmap().IsLoopback() {
			e.fault = fmt.Sprintf("endpoint %s of %s is not on this machine: the lab leaves it only by a ServiceEntry with resolution DNS", a, c.Host)
			return
		}
		e.list = append(e.list, endpoint{address: a, port: int(ap.Port())})
	}
}

// selected returns the ready pods that a cluster's selector matches.
func selected(pods []*pod, c *mesh.Cluster) []*pod {
	var found []*pod
	for _, p := range pods {
		if p.Ready && c.Selects(p.Namespace, p.Labels) {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b *pod) int { return cmp.Compare(a.Name, b.Name) })
	return found
}

func selectorKey(c *mesh.Cluster) string {
	var b strings.Builder
	b.WriteString(c.Namespace)
	for _, k := range slices.Sorted(maps.Keys(c.Selector)) {
		b.WriteByte(0)
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(c.Selector[k])
	}
	return b.String()
}
