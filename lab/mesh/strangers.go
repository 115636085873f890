package mesh

import (
	"maps"
	"slices"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// Stranger returns a workload of a namespace that the overlay does not have: with a sidecar, without labels, with the service account
// default.
func Stranger(namespace string) Source {
	return Source{Workload: "a workload", Namespace: namespace, Principal: istio.Principal(namespace, "default")}
}

// maxStrangers bounds the sources of Strangers in one namespace.
const maxStrangers = 256

// Strangers returns the workloads that namespaces may have besides those of the overlay, as far as rules distinguish them: one for each
// combination of the labels that rules select callers by. ok is false if there are too many combinations.
func (t *Table) Strangers(namespaces []string) (all []Source, ok bool) {
	labels := []map[string]string{{}}
	values := selectedLabels(t.compiler.overlay)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		for _, without := range labels {
			for _, value := range slices.Sorted(maps.Keys(values[key])) {
				with := maps.Clone(without)
				with[key] = value
				labels = append(labels, with)
			}
		}
		if len(labels) > maxStrangers {
			return nil, false
		}
	}
	for _, n := range namespaces {
		for _, l := range labels {
			s := Stranger(n)
			s.Labels = l
			all = append(all, s)
		}
	}
	return all, true
}

// selectedLabels returns the labels by which rules select callers with a sidecar, with their values.
func selectedLabels(o *overlay.Overlay) map[string]map[string]bool {
	values := map[string]map[string]bool{}
	add := func(labels map[string]string) {
		for k, v := range labels {
			if values[k] == nil {
				values[k] = map[string]bool{}
			}
			values[k][v] = true
		}
	}
	for _, v := range o.VirtualServices {
		for _, h := range v.Spec.GetHttp() {
			for _, m := range h.GetMatch() {
				add(m.GetSourceLabels())
			}
		}
	}
	for _, d := range o.DestinationRules {
		add(d.Spec.GetWorkloadSelector().GetMatchLabels())
	}
	for _, s := range o.Sidecars {
		add(s.Spec.GetWorkloadSelector().GetLabels())
	}
	return values
}
