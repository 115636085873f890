package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// workloads finds Services that select no workload, and subsets that a route uses without any workload of their Service.
func (l *linter) workloads() {
	for i := range l.rules.Overlay.Services {
		s := &l.rules.Overlay.Services[i]
		if l.selected(s) && !l.mayHavePods(s.Namespace, s.Selector) {
			l.add(s.String(), "spec.selector", "no workload of namespace %s has pods with %s: its requests get 503", s.Namespace, istio.LabelText(s.Selector))
		}
	}
	for _, d := range l.rules.Overlay.DestinationRules {
		host := istio.FullHost(d.Spec.GetHost(), d.Namespace)
		s := l.service(host)
		if s == nil || !l.selected(s) || !l.mayHavePods(s.Namespace, s.Selector) {
			continue
		}
		for i, subset := range d.Spec.GetSubsets() {
			both, ok := joined(s.Selector, subset.GetLabels())
			if l.rules.Routes(host, subset.GetName()) && (!ok || !l.mayHavePods(s.Namespace, both)) {
				l.add(d.String(), fmt.Sprintf("spec.subsets[%d].labels", i), "no workload of %s has pods with %s: requests to the subset %s get 503",
					s, istio.LabelText(subset.GetLabels()), subset.GetName())
			}
		}
	}
}

// selected reports whether the endpoints of a Service are the workloads that it selects, and these are all known.
func (l *linter) selected(s *overlay.Service) bool {
	return !s.Given && len(s.Selector) > 0 && l.rules.KnowsWorkloads(s.Namespace)
}

// mayHavePods reports whether a workload of a namespace has pods with the labels, whatever its number of replicas is. Labels that pods get
// when they run are in no file.
func (l *linter) mayHavePods(namespace string, labels map[string]string) bool {
	written := maps.Clone(labels)
	maps.DeleteFunc(written, func(key, _ string) bool { return isRuntimeLabel(key) })
	return slices.ContainsFunc(l.rules.Overlay.Deployments, func(d overlay.Deployment) bool {
		return d.Namespace == namespace && istio.HasLabels(d.Pod.Labels, written)
	})
}

// isRuntimeLabel reports whether Kubernetes, Istio or Argo Rollouts adds a label to running pods or to their endpoints.
// (pilot/pkg/serviceregistry/util/label/label.go of Istio 1.31; https://kubernetes.io/docs/reference/labels-annotations-taints/)
func isRuntimeLabel(key string) bool {
	domain, _, qualified := strings.Cut(key, "/")
	if !qualified {
		return slices.Contains([]string{"pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash", "controller-uid", "job-name", "istio-locality"}, key)
	}
	return slices.Contains([]string{"topology.kubernetes.io", "failure-domain.beta.kubernetes.io", "kubernetes.io", "statefulset.kubernetes.io", "apps.kubernetes.io",
		"batch.kubernetes.io", "topology.istio.io", "security.istio.io", "service.istio.io"}, domain)
}

// service returns the Service of a host; nil for none.
func (l *linter) service(host string) *overlay.Service {
	all := l.rules.Overlay.Services
	i := slices.IndexFunc(all, func(s overlay.Service) bool { return istio.ServiceHost(s.Name, s.Namespace) == host })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// joined returns the labels of both. ok is false if they contradict each other.
func joined(a, b map[string]string) (both map[string]string, ok bool) {
	both = maps.Clone(a)
	for k, v := range b {
		if have, is := both[k]; is && have != v {
			return nil, false
		}
		both[k] = v
	}
	return both, true
}
