package proxy

import (
	"errors"
	"maps"
	"sync"

	"github.com/hopline/hopline/lab/mesh"
)

var errNoListener = errors.New("no Deployment of the overlay calls it")

// caller is one Envoy of the mesh: the sidecar of a pod, or a gateway. It has its own view of every cluster that it has used.
type caller struct {
	proxy     *Proxy
	source    mesh.Source
	name      string // of the pod
	token     string // its credentials
	port      int    // of the Gateway's server; 0 for a sidecar
	who       identity
	untrusted bool // requests come from outside the mesh: what they say about themselves is not trusted
	noSidecar bool // a pod without a sidecar
	span      spanTemplate
	noRoute   *link // for the metrics of requests that no rule led anywhere

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

// same is whether the caller may go on speaking for a pod.
func (c *caller) same(p *pod) bool {
	return c.source.Workload == p.Workload && c.source.Namespace == p.Namespace && c.source.Principal == p.Principal && c.noSidecar == p.Bare &&
		maps.Equal(c.source.Labels, p.Labels)
}

// cluster is the caller's view of one that a decision under s led to.
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
	if !c.gone {
		c.clusters[m] = k
	}
	return k
}

// temporary is the cluster of a decision that the table made up for a caller like none of the overlay's Deployments, such as a pod of an older
// template: one of the same name serves if there is one, else it is for this request only.
func (c *caller) temporary(s *state, m *mesh.Cluster) *cluster {
	if successors := s.successors(m); len(successors) > 0 {
		return c.cluster(s, successors[0])
	}
	k := newCluster(c, m)
	k.closed = true
	k.update(s.locate(m, map[string][]*pod{}, func(string, int) (string, error) { return "", errNoListener }))
	return k
}

// update brings the clusters in line with a new state: those whose policy is the same go on with new endpoints, the others are closed
// once their requests have ended.
func (c *caller) update(s *state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(map[*mesh.Cluster]*cluster, len(c.clusters))
	kept := make(map[*cluster]bool, len(c.clusters))
	for m, k := range c.clusters {
		for _, now := range s.successors(m) {
			if next[now] == nil { // else a request that was still under the state before made another
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

// close ends the caller's idle connections; those in use end with their requests.
func (c *caller) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	for _, k := range c.clusters {
		k.close()
	}
	c.clusters = map[*mesh.Cluster]*cluster{}
}

// successors are the clusters of a state that go on with what hangs on one of an older state: those of its name that differ in
// nothing but endpoints. There are several where a table keeps a cluster for each group of callers that sees the same rules.
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

// samePolicy is whether two clusters of one name differ in nothing but their endpoints.
func samePolicy(a, b *mesh.Cluster) bool {
	return a.Known == b.Known && a.DNS == b.DNS && a.Original == b.Original && a.External == b.External && a.Balancer == b.Balancer && a.Pool == b.Pool &&
		(a.Outlier == b.Outlier || a.Outlier != nil && b.Outlier != nil && *a.Outlier == *b.Outlier)
}
