package mesh

import (
	"github.com/hopline/hopline/lab/overlay"

	"github.com/hopline/hopline/lab/istio"
)

// Share is the part of a route's requests that one of its destinations gets.
type Share struct {
	Cluster  *Cluster
	Percent  float64   // of the route's requests
	Backends []Backend // the Deployments behind the cluster, in the overlay's order; none for a gateway, an outside host, or no endpoints
}

// Backend is a Deployment with endpoints of a destination.
type Backend struct {
	Deployment *overlay.Deployment
	// Percent is its part of the route's requests while all its replicas are ready: the replicas of one destination get equal shares. A
	// ConsistentHash balancer approaches it only over many keys.
	Percent float64
}

// Shares returns the share of each destination by the route's weights, and its backends. It is empty for a redirect and for a direct
// response.
func (t *Table) Shares(r *Route) []Share {
	total := 0
	for _, d := range r.Destinations {
		total += d.Weight
	}
	var out []Share
	for _, d := range r.Destinations {
		percent := 100 * float64(d.Weight) / float64(total)
		out = append(out, Share{Cluster: d.Cluster, Percent: percent, Backends: t.backends(d.Cluster, percent)})
	}
	return out
}

// backends divides a percentage among the Deployments behind a cluster.
func (t *Table) backends(c *Cluster, percent float64) []Backend {
	if c.NotCarried != "" {
		return nil
	}
	var out []Backend
	replicas := 0
	deployments := t.compiler.overlay.Deployments
	for i := range deployments {
		if d := &deployments[i]; d.Replicas > 0 && c.SelectsDeployment(d) {
			out = append(out, Backend{Deployment: d, Percent: percent * float64(d.Replicas)})
			replicas += d.Replicas
		}
	}
	for i := range out {
		out[i].Percent /= float64(replicas)
	}
	return out
}

// Selects reports whether the cluster's endpoints include pods of a namespace with these labels.
func (c *Cluster) Selects(namespace string, labels map[string]string) bool {
	return c.Selector != nil && namespace == c.Namespace && istio.HasLabels(labels, c.Selector)
}

// SelectsDeployment reports whether the pods of a Deployment are endpoints of the cluster: it selects them, and they have its port.
func (c *Cluster) SelectsDeployment(d *overlay.Deployment) bool {
	if !c.Selects(d.Namespace, d.Pod.Labels) {
		return false
	}
	_, ok := c.targetOf(&d.Pod)
	return ok
}

// targetOf returns the container port that the cluster's requests go to. It is false for a port that no container lists, unless all ports of
// the pod are open.
func (c *Cluster) targetOf(pod *overlay.PodTemplate) (int, bool) {
	if c.TargetName == "" && pod.AnyPort {
		return c.Target, true
	}
	for _, p := range pod.Ports() {
		if c.TargetName == "" && p.Number == c.Target || c.TargetName != "" && p.Name == c.TargetName {
			return p.Number, true
		}
	}
	return 0, false
}
