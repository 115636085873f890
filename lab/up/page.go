package up

import (
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
)

// pagePath returns the path of a page for a browser at the ingress gateway: the first prefix that a VirtualService or an HTTPRoute routes for
// any host; "" if there is none.
func pagePath(o *overlay.Overlay) string {
	for _, vs := range o.VirtualServices {
		if !slices.Contains(vs.Spec.Hosts, "*") || !slices.ContainsFunc(vs.Spec.Gateways, func(g string) bool { return g != "mesh" }) {
			continue
		}
		for _, rule := range vs.Spec.Http {
			if len(rule.Route) == 0 {
				continue
			}
			for _, match := range rule.Match {
				if prefix := match.GetUri().GetPrefix(); prefix != "" {
					return prefix
				}
			}
			if len(rule.Match) == 0 {
				return "/"
			}
		}
	}
	for i := range o.HTTPRoutes {
		if path := pageOf(&o.HTTPRoutes[i]); path != "" {
			return path
		}
	}
	return ""
}

// pageOf returns the first prefix that an HTTPRoute routes for any host at a Gateway; "" if there is none. It ends with a slash, which a
// PathPrefix matches as well: the links of a page are relative to it.
func pageOf(r *overlay.HTTPRoute) string {
	atGateway := slices.ContainsFunc(r.Spec.ParentRefs, func(p overlay.ParentRef) bool { return p.Kind == "Gateway" })
	if !atGateway || len(r.Spec.Hostnames) > 0 {
		return ""
	}
	for _, rule := range r.Spec.Rules {
		for _, m := range rule.Matches {
			if m.Path.Type == "PathPrefix" && len(rule.BackendRefs) > 0 {
				return strings.TrimSuffix(*m.Path.Value, "/") + "/"
			}
		}
	}
	return ""
}
