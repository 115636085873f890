package compare

import (
	"slices"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// Rules holds one of the two sides of a comparison: an overlay and its table.
type Rules struct {
	Overlay *overlay.Overlay
	Table   *mesh.Table
}

// Caller is a sender of requests.
type Caller struct {
	Name     string // "hopline/front-blue", "istio-ingressgateway", or "a workload of namespace hopline"
	Source   mesh.Source
	Stranger bool // any workload of the namespace that the overlay does not have
}

// CallerOf returns a workload or a gateway as a caller.
func CallerOf(s *mesh.Source) Caller {
	if s.Gateway {
		return Caller{Name: s.Workload, Source: *s}
	}
	return Caller{Name: s.Namespace + "/" + s.Workload, Source: *s}
}

// Callers lists the senders of requests in an overlay: the gateways, then its Deployments. In an overlay without any Deployment that has
// a sidecar, a workload without labels represents those of each namespace that has a Service, a VirtualService or an HTTPRoute.
func Callers(o *overlay.Overlay) []Caller {
	var callers []Caller
	for _, g := range mesh.Gateways(o) {
		callers = append(callers, CallerOf(&g))
	}
	sidecars := false
	for _, d := range o.Deployments {
		source := mesh.SourceOf(o, d)
		sidecars = sidecars || !source.NoSidecar
		callers = append(callers, CallerOf(&source))
	}
	if sidecars {
		return callers
	}
	var namespaces []string
	for _, s := range o.Services {
		namespaces = append(namespaces, s.Namespace)
	}
	for _, v := range o.VirtualServices {
		namespaces = append(namespaces, v.Namespace)
	}
	for _, r := range o.HTTPRoutes {
		namespaces = append(namespaces, r.Namespace)
	}
	slices.Sort(namespaces)
	for _, n := range slices.Compact(namespaces) {
		callers = append(callers, Caller{Name: "a workload of namespace " + n, Source: mesh.Stranger(n), Stranger: true})
	}
	return callers
}
