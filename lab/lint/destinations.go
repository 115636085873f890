package lint

import (
	"fmt"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// destination is where a rule sends requests or copies.
type destination struct {
	object            string // the VirtualService or HTTPRoute
	path              string // "spec.http[0].route[1].destination"
	hostField, ofPort string // the fields below the path that name the host and the port
	host, subset      string // the full name
	port              int    // 0: none
	missing           string // what happens if the destination does not exist: "its requests get 503"
}

// destinations lists the destinations of all rules.
func (l *linter) destinations() []destination {
	return append(l.destinationsOfVirtualServices(), l.destinationsOfRoutes()...)
}

// destinationsOfRoutes lists the destinations of HTTPRoutes. Istio leaves out those of weight 0, and mirrors that do not exist.
func (l *linter) destinationsOfRoutes() (all []destination) {
	for i := range l.rules.Overlay.HTTPRoutes {
		r := &l.rules.Overlay.HTTPRoutes[i]
		add := func(path, missing string, b overlay.BackendRef) {
			all = append(all, destination{object: r.String(), path: path, hostField: "name", ofPort: "port", host: b.Host(r.Namespace), port: b.Port, missing: missing})
		}
		for j := range r.Spec.Rules {
			rule, path := &r.Spec.Rules[j], fmt.Sprintf("spec.rules[%d]", j)
			for k := range rule.BackendRefs {
				if b := &rule.BackendRefs[k]; *b.Weight > 0 {
					add(fmt.Sprintf("%s.backendRefs[%d]", path, k), "its requests get 500", b.BackendRef)
				}
			}
			for k, f := range rule.Filters {
				if f.RequestMirror != nil {
					add(fmt.Sprintf("%s.filters[%d].requestMirror.backendRef", path, k), "no copy is sent", f.RequestMirror.BackendRef)
				}
			}
		}
	}
	return all
}

// destinationsOfVirtualServices lists the destinations of VirtualServices.
func (l *linter) destinationsOfVirtualServices() (all []destination) {
	for _, v := range l.rules.Overlay.VirtualServices {
		add := func(path string, d *networking.Destination) {
			if d != nil {
				all = append(all, destination{object: v.String(), path: path, hostField: "host", ofPort: "port.number", host: istio.FullHost(d.GetHost(), v.Namespace),
					subset: d.GetSubset(), port: int(d.GetPort().GetNumber()), missing: "its requests get 503"})
			}
		}
		for i, rule := range v.Spec.GetHttp() {
			path := fmt.Sprintf("spec.http[%d]", i)
			for j, r := range rule.GetRoute() {
				add(fmt.Sprintf("%s.route[%d].destination", path, j), r.GetDestination())
			}
			add(path+".mirror", rule.GetMirror())
			for j, m := range rule.GetMirrors() {
				add(fmt.Sprintf("%s.mirrors[%d].destination", path, j), m.GetDestination())
			}
		}
	}
	return all
}
