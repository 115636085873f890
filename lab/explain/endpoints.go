package explain

import (
	"fmt"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
)

// endpoints adds the endpoints of each destination: the pods of the lab if it runs the overlay, else the overlay's Deployments.
func (a *Answer) endpoints(lab *current.Lab, from *mesh.Source) {
	if len(a.Shares) == 0 || a.Refusal != "" {
		return
	}
	a.Endpoints = "endpoints as the overlay configures them: the lab does not run it"
	if a.Of.Overlay.Lenient {
		a.Endpoints = "endpoints as the files have them"
	}
	if lab != nil {
		a.Endpoints = "endpoints of the lab that runs it"
	}
	for i := range a.Shares {
		share := &a.Shares[i]
		switch {
		case !share.Cluster.Known || share.Cluster.Selector == nil || share.Cluster.NotCarried != "":
		case lab != nil:
			share.Endpoints = podsBehind(lab, share.Cluster, from)
		default:
			share.Endpoints = deploymentsBehind(share.Share)
		}
	}
}

// deploymentsBehind returns the Deployments behind a destination.
func deploymentsBehind(share mesh.Share) []mesh.Endpoint {
	var out []mesh.Endpoint
	for _, b := range share.Backends {
		replicas := fmt.Sprintf("%d replicas", b.Deployment.Replicas)
		if b.Deployment.Replicas == 1 {
			replicas = "1 replica"
		}
		out = append(out, mesh.Endpoint{Text: b.Deployment.Name + ", " + replicas, Ready: true})
	}
	return out
}

// podsBehind returns the running pods that a cluster selects, with their addresses. An ejected pod gets no requests from the caller that
// ejected it, although it is ready.
func podsBehind(lab *current.Lab, c *mesh.Cluster, from *mesh.Source) []mesh.Endpoint {
	var out []mesh.Endpoint
	for _, p := range lab.Pods {
		if !c.Selects(p.Namespace, p.Labels) {
			continue
		}
		port := c.Target
		if c.TargetName != "" {
			port = p.Names[c.TargetName]
		}
		out = append(out, mesh.Endpoint{Text: fmt.Sprintf("%s %s %s", p.Name, p.Ports[port], p.State) + ejected(lab, &p, c, from),
			Ready: p.State == workload.Ready && p.Ports[port] != ""})
	}
	return out
}

// ejected names the pods of the caller's workload that have ejected an endpoint; empty for none.
func ejected(lab *current.Lab, p *workload.Status, c *mesh.Cluster, from *mesh.Source) string {
	text := ""
	for _, e := range lab.Ejections {
		if e.Pod == p.Name && e.Cluster == c.Name && e.Workload == from.Workload && e.Namespace == from.Namespace {
			text += fmt.Sprintf(", ejected by %s until %s: %s", e.Caller, e.Until.Local().Format("15:04:05"), e.Why)
		}
	}
	return text
}
