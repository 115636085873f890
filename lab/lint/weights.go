package lint

import "fmt"

// weights finds destinations that get no request, because their weight is 0 and another one's is not.
func (l *linter) weights() {
	l.weightsOfRoutes()
	for _, v := range l.rules.Overlay.VirtualServices {
		for i, rule := range v.Spec.GetHttp() {
			total := int32(0)
			for _, r := range rule.GetRoute() {
				total += r.GetWeight()
			}
			for j, r := range rule.GetRoute() {
				if total > 0 && r.GetWeight() == 0 {
					l.add(v.String(), fmt.Sprintf("spec.http[%d].route[%d].weight", i, j), "its weight is 0: no request goes to %s", r.GetDestination().GetHost()+of(r.GetDestination().GetSubset()))
				}
			}
		}
	}
}

// weightsOfRoutes is weights for HTTPRoutes.
func (l *linter) weightsOfRoutes() {
	for i := range l.rules.Overlay.HTTPRoutes {
		r := &l.rules.Overlay.HTTPRoutes[i]
		for j := range r.Spec.Rules {
			total := 0
			for k := range r.Spec.Rules[j].BackendRefs {
				total += *r.Spec.Rules[j].BackendRefs[k].Weight
			}
			for k, b := range r.Spec.Rules[j].BackendRefs {
				if total > 0 && *b.Weight == 0 {
					l.add(r.String(), fmt.Sprintf("spec.rules[%d].backendRefs[%d].weight", j, k), "its weight is 0: no request goes to %s", b.Name)
				}
			}
		}
	}
}

// of returns the end of a destination's name: " subset v1", or nothing.
func of(subset string) string {
	if subset == "" {
		return ""
	}
	return " subset " + subset
}
