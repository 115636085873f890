package istio

import (
	"fmt"

	networking "istio.io/api/networking/v1alpha3"
)

// Matches returns the match blocks of an http rule of a VirtualService. A rule without any has one nil block, which matches every request.
func Matches(h *networking.HTTPRoute) []*networking.HTTPMatchRequest {
	if len(h.GetMatch()) == 0 {
		return []*networking.HTTPMatchRequest{nil}
	}
	return h.GetMatch()
}

// Destinations returns the destinations of an http rule of a VirtualService, then those of its mirrors, whatever their shares are. None is nil.
func Destinations(h *networking.HTTPRoute) []*networking.Destination {
	var out []*networking.Destination
	add := func(d *networking.Destination) {
		if d != nil {
			out = append(out, d)
		}
	}
	for _, r := range h.GetRoute() {
		add(r.GetDestination())
	}
	add(h.GetMirror())
	for _, m := range h.GetMirrors() {
		add(m.GetDestination())
	}
	return out
}

// Mirror is one destination of copies.
type Mirror struct {
	Destination *networking.Destination
	Percent     float64 // of the requests; more than 0
	Path        string  // of the destination below the rule: "mirror", "mirrors[1].destination"
}

// Mirrors returns the mirrors of an http rule of a VirtualService that copy requests. Without a percentage, all requests are copied; with a
// percentage of 0, none.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute, mirror and mirrors)
func Mirrors(h *networking.HTTPRoute) []Mirror {
	var out []Mirror
	add := func(d *networking.Destination, percentage *networking.Percent, otherwise float64, path string) {
		percent := otherwise
		if percentage != nil {
			percent = percentage.GetValue()
		}
		if d != nil && percent > 0 {
			out = append(out, Mirror{d, percent, path})
		}
	}
	otherwise := 100.0
	//lint:ignore SA1019 deprecated, but Istio still enforces it
	if old := h.GetMirrorPercent(); old != nil {
		otherwise = float64(old.GetValue())
	}
	add(h.GetMirror(), h.GetMirrorPercentage(), otherwise, "mirror")
	for i, m := range h.GetMirrors() {
		add(m.GetDestination(), m.GetPercentage(), 100, fmt.Sprintf("mirrors[%d].destination", i))
	}
	return out
}
