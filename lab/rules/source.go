package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// Caller describes a caller that the files do not have.
type Caller struct {
	Namespace      string
	Labels         map[string]string
	ServiceAccount string // default "default"
}

// Source returns the caller of a question.
func (r *Rules) Source(q *Question) (*mesh.Source, error) {
	switch {
	case q.Caller != nil:
		return given("a caller", q.Caller), nil
	case q.From == "":
		return r.ingress()
	case strings.HasSuffix(q.From, "/"):
		return new(mesh.Stranger(strings.TrimSuffix(q.From, "/"))), nil
	}
	for _, g := range r.Table.Gateways() {
		if q.From == g.Workload || q.From == g.Namespace+"/"+g.Workload {
			return &g, nil
		}
	}
	found := r.workloads(q.From)
	switch {
	case len(found) == 1:
		return new(mesh.SourceOf(r.Overlay, found[0])), nil
	case len(found) > 1:
		return nil, fmt.Errorf("--from %s: there is more than one, name its namespace too: %s", q.From, strings.Join(workloadNames(found), ", "))
	}
	return r.unlisted(q.From)
}

// workloads returns the workloads of a name, with or without a namespace.
func (r *Rules) workloads(name string) (found []overlay.Deployment) {
	for _, d := range r.Overlay.Deployments {
		if name == d.Name || name == d.Namespace+"/"+d.Name {
			found = append(found, d)
		}
	}
	return found
}

func workloadNames(of []overlay.Deployment) []string {
	names := make([]string, len(of))
	for i, d := range of {
		names[i] = d.Namespace + "/" + d.Name
	}
	slices.Sort(names)
	return names
}

// unlisted returns the source of a workload that the files do not have. Files that have other workloads of its namespace would have it too.
func (r *Rules) unlisted(from string) (*mesh.Source, error) {
	namespace, name, qualified := strings.Cut(from, "/")
	if !qualified {
		name = from
		if len(r.own) == 1 {
			namespace = r.own[0]
		} else if r.Overlay.Lenient && len(r.Overlay.Deployments) == 0 {
			return nil, fmt.Errorf("--from %s: %s has no workloads: name its namespace too, as in NAMESPACE/%s; the rules are of %s",
				from, r.named, from, strings.Join(r.own, ", "))
		}
	}
	in := func(d overlay.Deployment) bool { return !qualified || d.Namespace == namespace }
	if !r.Overlay.Lenient || slices.ContainsFunc(r.Overlay.Deployments, in) {
		var names []string
		for _, d := range r.Overlay.Deployments {
			if in(d) {
				names = append(names, d.Name)
			}
		}
		hint := ""
		if near := nearest.Name(name, names); near != "" {
			hint = "; did you mean " + strings.TrimSuffix(from, name) + near + "?"
		}
		return nil, fmt.Errorf("--from %s: no such workload in %s; it has %s%s", from, r.named, strings.Join(workloadNames(r.Overlay.Deployments), ", "), hint)
	}
	return given(name, &Caller{Namespace: namespace}), nil
}

func given(name string, c *Caller) *mesh.Source {
	return &mesh.Source{Workload: name, Namespace: c.Namespace, Labels: c.Labels, Principal: istio.Principal(c.Namespace, cmp.Or(c.ServiceAccount, "default"))}
}

// namespaces lists the namespaces of an overlay's objects other than Istio's own.
func namespaces(o *overlay.Overlay) []string {
	var names []string
	for _, m := range o.Objects() {
		if m.Namespace != "" && m.Namespace != istio.RootNamespace {
			names = append(names, m.Namespace)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ingress returns the gateway that requests without a named caller arrive at.
func (r *Rules) ingress() (*mesh.Source, error) {
	source, err := r.Table.EntryGateway()
	if err != nil {
		return nil, fmt.Errorf("%w: name one by --from", err)
	}
	return &source, nil
}
