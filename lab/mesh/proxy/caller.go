package proxy

import (
	"errors"
	"maps"
	"sync"

	"github.com/hopline/hopline/lab/mesh"
)

var errNoListener = errors.New("no Deployment of the overlay calls it")

// caller represents one Envoy of the mesh: the sidecar of a pod, or a gateway. It has its own view of every cluster that it has used.
type caller struct {
	proxy     *Proxy
	source    mesh.Source
	name      string // of the pod
	token     string // its credentials
	port      int    // of the Gateway's server; 0 for a sidecar
	who       identity
	untrusted bool // requests arrive from outside the mesh: their x-envoy-* headers are not trusted
	span      spanTemplate
	noRoute   *link // for the metrics of requests without a destination

	mu       sync.RWMutex
	clusters map[*mesh.Cluster]*cluster
	gone     bool
}

func newCaller(p *Proxy, s mesh.Source, name string, port int) *caller {
	c := &caller{proxy: p, source: s, name: name, token: p.token(name), port: port, who: identify(&s), untrusted: s.Gateway, clusters: map[*mesh.Cluster]*cluster{}}
	c.span = newSpanTemplate(c)
	c.noRoute = p.metrics.link(c, nil, nil)
	return c
}

// is reports whether the caller represents a source.
func (c *caller) is(s *mesh.Source) bool {
	return c.source.Workload == s.Workload && c.source.Namespace == s.Namespace && c.source.Principal == s.Principal && c.source.Gateway == s.Gateway &&
		c.source.NoSidecar == s.NoSidecar && maps.Equal(c.source.Labels, s.Labels)
}

// cluster returns the caller's view of the cluster that a decision under s returned.
func (c *caller) cluster(s *state, m *mesh.Cluster) *cluster {
	c.mu.RLock()
	k := c.clusters[m]
	c.mu.RUnlock()
	if k != nil {
		return k
	}
	e := s.endpoints[m]
	if e == nil {
		return c.temporary(s, m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.clusters[m]; k != nil {
		return k
	}
	k = newCluster(c, m)
	k.update(e)
	if k.closed = c.gone; !c.gone {
		c.clusters[m] = k
	}
	return k
}

// temporary handles a cluster that the table does not hold (the caller is, say, a pod of an older template). It returns the cluster of the
// same name if there is one, otherwise a temporary one for this request only.
func (c *caller) temporary(s *state, m *mesh.Cluster) *cluster {
	if successors := s.successors(m); len(successors) > 0 {
		return c.cluster(s, successors[0])
	}
	k := newCluster(c, m)
	k.closed = true
	k.update(s.locate(m, map[string][]*pod{}, func(string, int) (string, error) { return "", errNoListener }))
	return k
}

// update applies a new state to the clusters: those whose policy is unchanged continue with new endpoints, the others are closed once their
// requests have ended.
func (c *caller) update(s *state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(map[*mesh.Cluster]*cluster, len(c.clusters))
	kept := make(map[*cluster]bool, len(c.clusters))
	for m, k := range c.clusters {
		for _, now := range s.successors(m) {
			if next[now] == nil { // otherwise a request under the previous state has created another one
				next[now], kept[k] = k, true
				k.update(s.endpoints[now])
			}
		}
	}
	for _, k := range c.clusters {
		if !kept[k] {
			k.close()
		}
	}
	c.clusters = next
}

// close closes the caller's idle connections. Connections in use close with their requests.
func (c *caller) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	for _, k := range c.clusters {
		k.close()
	}
	c.clusters = map[*mesh.Cluster]*cluster{}
}

// successors returns the clusters of s that inherit m's connections and ejections: those of the same name that differ only in endpoints.
// There are several where a table keeps one cluster for each group of callers that sees the same rules.
func (s *state) successors(m *mesh.Cluster) []*mesh.Cluster {
	if s.endpoints[m] != nil {
		return []*mesh.Cluster{m}
	}
	var same, alike []*mesh.Cluster
	for _, c := range s.byName[m.Name] {
		if samePolicy(m, c) {
			alike = append(alike, c)
			if maps.Equal(m.Selector, c.Selector) {
				same = append(same, c)
			}
		}
	}
	if same == nil && len(alike) == 1 {
		return alike
	}
	return same
}

// samePolicy reports whether two clusters of one name differ only in their endpoints.
func samePolicy(a, b *mesh.Cluster) bool {
	return a.Known == b.Known && a.DNS == b.DNS && a.Original == b.Original && a.Passthrough == b.Passthrough && a.Host == b.Host && a.External == b.External && a.Balancer == b.Balancer && a.Pool == b.Pool &&
		(a.Outlier == b.Outlier || a.Outlier != nil && b.Outlier != nil && *a.Outlier == *b.Outlier)
}
