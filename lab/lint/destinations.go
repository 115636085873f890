package lint

import (
	"fmt"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
)

// destination is where a rule sends requests or copies.
type destination struct {
	object       string // the VirtualService
	path         string // "spec.http[0].route[1].destination"
	host, subset string // the full name
	port         int    // 0: none
}

// destinations lists the destinations of all rules.
func (l *linter) destinations() (all []destination) {
	for _, v := range l.rules.Overlay.VirtualServices {
		add := func(path string, d *networking.Destination) {
			if d != nil {
				all = append(all, destination{v.String(), path, istio.FullHost(d.GetHost(), v.Namespace), d.GetSubset(), int(d.GetPort().GetNumber())})
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
