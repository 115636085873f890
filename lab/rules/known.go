package rules

import (
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// KnowsAll reports whether the objects that were read are all that exist: they are a whole cluster, or an overlay that was loaded strictly.
func (r *Rules) KnowsAll() bool { return r.Overlay.Complete || !r.Overlay.Lenient }

// KnowsWorkloads reports whether the files have all workloads of a namespace. They have if they have any, and no object whose controller may
// create more.
func (r *Rules) KnowsWorkloads(namespace string) bool {
	return r.KnowsAll() || r.makers[namespace] == "" &&
		slices.ContainsFunc(r.Overlay.Deployments, func(d overlay.Deployment) bool { return d.Namespace == namespace })
}

// KnowsServices reports whether the files have all Services of a namespace. Without KnowsAll, this is true only after ReadWhole.
func (r *Rules) KnowsServices(namespace string) bool {
	return r.KnowsAll() || slices.Contains(r.closed, namespace)
}

// Strangers returns the workloads with a sidecar that may exist beside those of the files, as far as rules distinguish them. ok is false if
// there are too many.
func (r *Rules) Strangers() (strangers []mesh.Source, ok bool) {
	var names []string
	for _, name := range r.mentioned() {
		if r.ambientNamespace(name) != nil || !r.KnowsWorkloads(name) {
			names = append(names, name)
		}
	}
	return r.Table.Strangers(names)
}

// mentioned lists the namespaces that the objects are in or name, and unless all is known one more, for any other.
func (r *Rules) mentioned() []string {
	names := append(namespaces(r.Overlay), istio.RootNamespace)
	if !r.KnowsAll() {
		names = append(names, "any other namespace")
	}
	for _, v := range r.Overlay.VirtualServices {
		names = append(names, v.Spec.GetExportTo()...)
		for _, h := range v.Spec.GetHttp() {
			for _, m := range h.GetMatch() {
				names = append(names, m.GetSourceNamespace())
			}
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(n string) bool { return slices.Contains([]string{"", "*", ".", "~"}, n) })
}

// Uncertain reports whether some part of an object is not computed, at a place such as "http[1].match[0]"; "" for the whole object. A rule
// that is not certain may match other requests than the compiled one does.
func (r *Rules) Uncertain(object, place string) bool {
	return slices.ContainsFunc(r.gaps, func(g gap) bool {
		return g.object == object && g.affected != aside && (place == "" || g.place == place || strings.HasPrefix(place, g.place+".") || strings.HasPrefix(g.place, place+"."))
	})
}

// Routes reports whether a route of any protocol, or a mirror, names a subset of a host.
func (r *Rules) Routes(host, subset string) bool {
	_, found := r.subsets[overlay.SubsetName{Host: host, Subset: subset}]
	return found
}

// RoutesTo reports whether a route of any protocol, or a mirror, names a host.
func (r *Rules) RoutesTo(host string) bool {
	for s := range r.subsets {
		if s.Host == host {
			return true
		}
	}
	return false
}

// Gaps lists the parts of objects that are not computed: the rules of Overlay are without them.
func (r *Rules) Gaps() []overlay.Problem {
	report := r.Overlay.Report()
	for i := range r.gaps {
		report.Add(r.gaps[i].object, r.gaps[i].path, "%s", r.gaps[i].why)
	}
	return report.Located()
}

// Foreign lists the objects that affect routing, of kinds that are not computed.
func (r *Rules) Foreign() []overlay.Foreign { return r.foreign }
