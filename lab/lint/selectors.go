package lint

import (
	"slices"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// selectors finds policies, Sidecars, and other objects for some workloads, that select none.
func (l *linter) selectors() {
	o := l.rules.Overlay
	for _, p := range o.AuthorizationPolicies {
		l.selector(p.Meta, "spec.selector.matchLabels", p.Spec.GetSelector().GetMatchLabels())
	}
	for _, s := range o.Sidecars {
		l.selector(s.Meta, "spec.workloadSelector.labels", s.Spec.GetWorkloadSelector().GetLabels())
	}
	for _, d := range o.DestinationRules {
		l.selector(d.Meta, "spec.workloadSelector.matchLabels", d.Spec.GetWorkloadSelector().GetMatchLabels())
	}
	for _, f := range l.rules.Foreign() {
		switch f.Kind {
		case "RequestAuthentication", "WasmPlugin":
			l.selector(f.Meta, "spec.selector.matchLabels", f.Texts("spec", "selector", "matchLabels"))
		case "EnvoyFilter":
			l.selector(f.Meta, "spec.workloadSelector.labels", f.Texts("spec", "workloadSelector", "labels"))
		}
	}
	for _, g := range o.Gateways {
		if o.Complete && !l.anywhere(g.Spec.GetSelector()) {
			l.add(g.String(), "spec.selector", "selects nothing: no workload has pods with %s", istio.LabelText(g.Spec.GetSelector()))
		}
	}
}

// selector checks the labels by which an object selects workloads of its namespace, or in the root namespace workloads of all.
func (l *linter) selector(m overlay.Meta, path string, labels map[string]string) {
	switch {
	case len(labels) == 0:
	case m.Namespace == istio.RootNamespace:
		if l.rules.Overlay.Complete && !l.anywhere(labels) {
			l.add(m.String(), path, "selects nothing: no workload has pods with %s", istio.LabelText(labels))
		}
	case l.rules.KnowsWorkloads(m.Namespace) && !l.mayHavePods(m.Namespace, labels):
		l.add(m.String(), path, "selects nothing: no workload of namespace %s has pods with %s", m.Namespace, istio.LabelText(labels))
	}
}

// anywhere reports whether a workload of any namespace may have pods with the labels.
func (l *linter) anywhere(labels map[string]string) bool {
	return slices.ContainsFunc(l.rules.Overlay.Deployments, func(d overlay.Deployment) bool { return l.mayHavePods(d.Namespace, labels) })
}
