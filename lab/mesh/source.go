package mesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
)

// SourceOf is whom the pods of a Deployment call as. Those without a sidecar are bare, and have no identity.
func SourceOf(o *overlay.Overlay, d overlay.Deployment) (src Source, bare bool) {
	src = Source{Workload: d.Name, Namespace: d.Namespace, Labels: d.Pod.Labels}
	if !injected(o, d) {
		return src, true
	}
	src.Principal = "cluster.local/ns/" + d.Namespace + "/sa/" + d.Pod.ServiceAccount
	return src, false
}

// neverInjected are the namespaces that Istio's injector leaves alone, inject.IgnoredNamespaces.
var neverInjected = []string{"kube-system", "kube-public", "kube-node-lease", "local-path-storage"}

// injected reports whether Istio would give the pods a sidecar.
func injected(o *overlay.Overlay, d overlay.Deployment) bool {
	if slices.Contains(neverInjected, d.Namespace) {
		return false
	}
	namespace, _ := namespaceLabels(o, d.Namespace)
	return webhookAsked(namespace, d.Pod.Labels) && injectionWanted(d.Pod)
}

// namespaceLabels are those of a namespace; one that the overlay has no object for is taken as one without labels.
func namespaceLabels(o *overlay.Overlay, name string) (labels map[string]string, found bool) {
	for _, n := range o.Namespaces {
		if n.Name == name {
			return n.Labels, true
		}
	}
	return nil, false
}

const injectKey = "sidecar.istio.io/inject" // of a pod: a label, or the older annotation

// webhookAsked reports whether the API server asks Istio's injector about a pod, by the labels of its namespace and its own. Whatever
// revision a label istio.io/rev names is taken to be installed.
// (manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml of Istio 1.31, its namespaceSelectors and objectSelectors)
func webhookAsked(namespace, pod map[string]string) bool {
	injection, hasInjection := namespace["istio-injection"]
	_, hasRevision := namespace["istio.io/rev"]
	_, podRevision := pod["istio.io/rev"]
	inject := pod[injectKey]
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

// injectionWanted reports whether the injector, once asked, gives a pod a sidecar: its label says, or its annotation where there is no
// label. Any other word than true and false leaves it to the injector's policy, which is to inject.
// (pkg/kube/inject/inject.go of Istio 1.31, injectRequired)
func injectionWanted(pod overlay.PodTemplate) bool {
	inject, ok := pod.Labels[injectKey]
	if !ok {
		inject = pod.Annotations[injectKey]
	}
	return inject != "false"
}

// Assumed says in one line what sidecars were decided by that the overlay does not say: the labels of namespaces that it has no object
// for. It is empty where nothing was assumed, and for an overlay without any object of Istio's.
func (t *Table) Assumed() string {
	if t.plain {
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
	return fmt.Sprintf("no Namespace object for %s: taken as without labels, so only pods that ask for a sidecar by their own labels have one",
		strings.Join(names, ", "))
}
