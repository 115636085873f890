package up

import (
	"slices"

	"github.com/hopline/hopline/lab/overlay"
)

// pagePath returns the path of a page for a browser at the ingress gateway: the first prefix that a VirtualService routes for any host; ""
// if there is none.
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
	return ""
}
