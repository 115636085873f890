package lint

import "fmt"

// weights finds destinations that get no request, because their weight is 0 and another one's is not.
func (l *linter) weights() {
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

// of returns the end of a destination's name: " subset v1", or nothing.
func of(subset string) string {
	if subset == "" {
		return ""
	}
	return " subset " + subset
}
