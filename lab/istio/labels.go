package istio

import (
	"maps"
	"slices"
	"strings"
)

// The labels of a namespace or a pod that decide whether the pod gets a sidecar.
const (
	InjectionLabel = "istio-injection"         // of a namespace
	RevisionLabel  = "istio.io/rev"            // of a namespace or a pod
	InjectLabel    = "sidecar.istio.io/inject" // of a pod: a label, or the older annotation
)

// The labels of a pod that name its workload in metrics and spans.
const (
	CanonicalNameLabel     = "service.istio.io/canonical-name"
	CanonicalRevisionLabel = "service.istio.io/canonical-revision"
)

// HasLabels reports whether labels contain all labels of a selector.
func HasLabels(labels, selector map[string]string) bool {
	for k, v := range selector {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// LabelText returns labels in one word: "app=core,version=prod".
func LabelText(labels map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, k+"="+labels[k])
	}
	return strings.Join(parts, ",")
}
