package mesh

import "github.com/hopline/hopline/lab/overlay"

// SourceOf is whom the pods of a Deployment call as. Those without a sidecar are bare, and have no identity.
func SourceOf(o *overlay.Overlay, d overlay.Deployment) (src Source, bare bool) {
	src = Source{Workload: d.Name, Namespace: d.Namespace, Labels: d.Pod.Labels}
	if !injected(o, d) {
		return src, true
	}
	src.Principal = "cluster.local/ns/" + d.Namespace + "/sa/" + d.Pod.ServiceAccount
	return src, false
}

// injected reports whether Istio would give the pods a sidecar: the pod's label sidecar.istio.io/inject decides, then the namespace's
// istio-injection (Istio's documentation, "Controlling the injection policy").
func injected(o *overlay.Overlay, d overlay.Deployment) bool {
	for _, namespace := range o.Namespaces {
		if namespace.Name != d.Namespace || namespace.Labels["istio-injection"] == "disabled" {
			continue
		}
		if inject, ok := d.Pod.Labels["sidecar.istio.io/inject"]; ok {
			return inject == "true"
		}
		return namespace.Labels["istio-injection"] == "enabled"
	}
	return false
}
