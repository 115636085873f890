package mesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// SourceOf returns the source of requests from a Deployment's pods. Pods without a sidecar have no identity.
func SourceOf(o *overlay.Overlay, d overlay.Deployment) Source {
	src := Source{Workload: d.Name, Namespace: d.Namespace, Labels: d.Pod.Labels, NoSidecar: !injected(o, d)}
	if !src.NoSidecar {
		src.Principal = istio.Principal(d.Namespace, d.Pod.ServiceAccount)
	}
	return src
}

// neverInjected holds the namespaces that Istio's injector ignores, inject.IgnoredNamespaces.
var neverInjected = []string{"kube-system", "kube-public", "kube-node-lease", "local-path-storage"}

// injected reports whether Istio would give the pods a sidecar.
func injected(o *overlay.Overlay, d overlay.Deployment) bool {
	if slices.Contains(neverInjected, d.Namespace) {
		return false
	}
	namespace, _ := namespaceLabels(o, d.Namespace)
	return webhookCalled(namespace, d.Pod.Labels) && injectionWanted(d.Pod)
}

// namespaceLabels returns the labels of a namespace. If the overlay has no object for it, the namespace counts as one without labels.
func namespaceLabels(o *overlay.Overlay, name string) (labels map[string]string, found bool) {
	for _, n := range o.Namespaces {
		if n.Name == name {
			return n.Labels, true
		}
	}
	return nil, false
}

// webhookCalled reports whether the API server calls Istio's injector for a pod, by the labels of its namespace and its own. It assumes
// that the revision in a label istio.io/rev is installed.
// (manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml of Istio 1.31, its namespaceSelectors and objectSelectors)
func webhookCalled(namespace, pod map[string]string) bool {
	injection, hasInjection := namespace[istio.InjectionLabel]
	_, hasRevision := namespace[istio.RevisionLabel]
	_, podRevision := pod[istio.RevisionLabel]
	inject := pod[istio.InjectLabel]
	switch {
	case inject == "false":
		return false
	case hasInjection:
		return injection == "enabled"
	case hasRevision:
		return true
	}
	return podRevision || inject == "true"
}

// injectionWanted reports whether the injector, once called, gives a pod a sidecar: its label decides, or its annotation if there is no
// label. For any value other than true and false the injector's policy applies, which is to inject.
// (pkg/kube/inject/inject.go of Istio 1.31, injectRequired)
func injectionWanted(pod overlay.PodTemplate) bool {
	inject, ok := pod.Labels[istio.InjectLabel]
	if !ok {
		inject = pod.Annotations[istio.InjectLabel]
	}
	return inject != "false"
}

// Assumed returns one line that names the assumptions behind sidecars: the labels of namespaces for which the overlay has no object. It is
// empty if nothing was assumed, and for an overlay without any Istio object.
func (t *Table) Assumed() string {
	if t.noMesh {
		return ""
	}
	o := t.compiler.overlay
	var names []string
	for _, d := range o.Deployments {
		if _, found := namespaceLabels(o, d.Namespace); !found && !slices.Contains(names, d.Namespace) {
			names = append(names, d.Namespace)
		}
	}
	if names == nil {
		return ""
	}
	slices.Sort(names)
	return fmt.Sprintf("no Namespace object for %s: it counts as one without labels, so only pods whose own labels request a sidecar have one",
		strings.Join(names, ", "))
}
