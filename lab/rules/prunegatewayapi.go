package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/gatewayapi"
	"github.com/hopline/hopline/lab/overlay"
)

// inRouteRule matches a path in a rule of an HTTPRoute.
var inRouteRule = regexp.MustCompile(`^spec\.rules\[(\d+)\]`)

// pruneRoute removes a part of an HTTPRoute. A rule whose action is not supported keeps its matches.
func pruneRoute(o *overlay.Overlay, g *gap) bool {
	m := inRouteRule.FindStringSubmatch(g.path)
	i := slices.IndexFunc(o.HTTPRoutes, func(r overlay.HTTPRoute) bool { return r.String() == g.object })
	if m == nil || i < 0 {
		return false
	}
	n, _ := strconv.Atoi(m[1])
	rule := &o.HTTPRoutes[i].Spec.Rules[n]
	g.place = "rules[" + m[1] + "]"
	g.affected = affectsRule
	*rule = overlay.HTTPRouteRule{Name: rule.Name, Matches: rule.Matches} // its response is 500
	return true
}

// inListener matches a path of a listener.
var inListener = regexp.MustCompile(`^spec\.listeners\[(\d+)\]\.protocol$`)

// pruneListener removes a listener of a Gateway that the lab does not support, or the Gateway if it has another class. A listener that
// terminates TLS routes as one without TLS.
func pruneListener(o *overlay.Overlay, g *gap) bool {
	i := slices.IndexFunc(o.KubernetesGateways, func(gw overlay.KubernetesGateway) bool { return gw.String() == g.object })
	if i < 0 {
		return false
	}
	gw := &o.KubernetesGateways[i]
	m := inListener.FindStringSubmatch(g.path)
	if m == nil {
		o.KubernetesGateways = slices.Delete(slices.Clone(o.KubernetesGateways), i, i+1)
		g.why = "class " + gw.Spec.GatewayClassName + " is not " + gatewayapi.Class + ": its routes are not computed"
		return true
	}
	n, _ := strconv.Atoi(m[1])
	l := &gw.Spec.Listeners[n]
	if strings.EqualFold(l.Protocol, "HTTPS") {
		l.Protocol = "HTTP"
		g.path, g.why = "spec.listeners["+m[1]+"].tls", "requests are routed as if they had arrived without TLS; no certificate is checked"
		return true
	}
	g.why = l.Protocol + " is not computed"
	gw.Spec.Listeners = slices.Delete(slices.Clone(gw.Spec.Listeners), n, n+1)
	return true
}
