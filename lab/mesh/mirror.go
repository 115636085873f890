package mesh

import networking "istio.io/api/networking/v1alpha3"

// mirrorTo holds one destination of copies with its share of the requests.
type mirrorTo struct {
	destination *networking.Destination
	percent     float64
}

// mirrorsOf lists the mirrors of a rule. Without a percentage, all requests are copied; with a percentage of 0, none.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute, mirror and mirrors)
func mirrorsOf(h *networking.HTTPRoute) []mirrorTo {
	var out []mirrorTo
	if h.GetMirror() != nil {
		percent := 100.0
		//lint:ignore SA1019 deprecated, but Istio still enforces it
		old := h.GetMirrorPercent()
		if h.GetMirrorPercentage() != nil {
			percent = h.GetMirrorPercentage().GetValue()
		} else if old != nil {
			percent = float64(old.GetValue())
		}
		out = append(out, mirrorTo{h.GetMirror(), percent})
	}
	for _, m := range h.GetMirrors() {
		percent := 100.0
		if m.GetPercentage() != nil {
			percent = m.GetPercentage().GetValue()
		}
		if m.GetDestination() != nil {
			out = append(out, mirrorTo{m.GetDestination(), percent})
		}
	}
	kept := out[:0]
	for _, m := range out {
		if m.percent > 0 {
			kept = append(kept, m)
		}
	}
	return kept
}
