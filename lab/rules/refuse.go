package rules

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// refuse returns why a question cannot be answered: the parts that are not computed and may change the answer. It returns nil if the answer is
// certain.
func (r *Rules) refuse(a *Answer) (reasons []string) {
	add := func(text string) {
		if text != "" && !slices.Contains(reasons, text) {
			reasons = append(reasons, text)
		}
	}
	if r.Overlay.Lenient && (a.Outcome == mesh.NoHost || a.Outcome == mesh.NoRoute) { // the lab itself responds with 502 or 404
		add(r.Table.NotCarriedTo(a.Request, a.Source))
	}
	for i := range r.gaps {
		if g := &r.gaps[i]; r.affects(g, a) {
			add(g.String())
		}
	}
	for i := range r.foreign {
		add(r.foreignEffect(&r.foreign[i], a))
	}
	add(r.ambient(a))
	return reasons
}

// affects reports whether a gap may change an answer.
func (r *Rules) affects(g *gap, a *Answer) bool {
	switch g.affected {
	case affectsRule:
		return takenBy(g, a)
	case affectsServer:
		return a.Source.Gateway && istio.HasLabels(a.Source.Labels, g.gateway.Spec.GetSelector()) && serves(g.server, a.Request)
	case affectsCaller:
		return !a.Source.Gateway && !a.Source.NoSidecar && r.Table.SidecarOf(a.Source) == g.object
	case affectsPolicy:
		lax := r.lax.Explain(a.Request, a.Source)
		return verdict(&lax) != verdict(&a.Explanation) && r.selects(g.object, a)
	}
	return false
}

// takenBy reports whether the rule of a gap, or its match block, matches the request.
func takenBy(g *gap, a *Answer) bool {
	return a.Taken != nil && a.Taken.Object == g.object && (a.Taken.Place == g.place || strings.HasPrefix(a.Taken.Place, g.place+"."))
}

// serves reports whether a request arrives at a server of a Gateway.
func serves(s *networking.Server, req *mesh.Request) bool {
	if istio.GatewayServicePort(int(s.GetPort().GetNumber())) != req.Port {
		return false
	}
	return slices.ContainsFunc(s.GetHosts(), func(host string) bool {
		if _, name, qualified := strings.Cut(host, "/"); qualified {
			host = name
		}
		return mesh.CoversHost(host, req.Authority)
	})
}

// selects reports whether an AuthorizationPolicy protects the gateway that receives the request, or a workload that gets it.
func (r *Rules) selects(object string, a *Answer) bool {
	for _, p := range r.Overlay.AuthorizationPolicies {
		if p.String() != object {
			continue
		}
		labels := p.Spec.GetSelector().GetMatchLabels()
		return slices.ContainsFunc(proxiesOf(a), func(x proxy) bool {
			return (p.Namespace == istio.RootNamespace || p.Namespace == x.namespace) && istio.HasLabels(x.labels, labels)
		})
	}
	return false
}

// proxy is one of the proxies that a request passes.
type proxy struct {
	namespace string
	labels    map[string]string
	role      string // "GATEWAY", "SIDECAR_OUTBOUND" or "SIDECAR_INBOUND", as in an EnvoyFilter
	name      string
}

// guards reports whether the proxy checks the request as its receiver.
func (p *proxy) guards() bool { return p.role != "SIDECAR_OUTBOUND" }

// proxiesOf lists the proxies that the requests of an answer pass: the caller's, and those of the workloads and gateways behind its
// destinations.
func proxiesOf(a *Answer) (all []proxy) {
	if !a.Source.NoSidecar {
		role := "SIDECAR_OUTBOUND"
		if a.Source.Gateway {
			role = "GATEWAY"
		}
		all = append(all, proxy{a.Source.Namespace, a.Source.Labels, role, a.Source.Workload})
	}
	for _, s := range a.Shares {
		if g, ok := mesh.BuiltInGateway(s.Cluster.Gateway); ok {
			all = append(all, proxy{g.Namespace, g.Labels, "GATEWAY", g.Workload})
		}
		for _, b := range s.Backends {
			all = append(all, proxy{b.Deployment.Namespace, b.Deployment.Pod.Labels, "SIDECAR_INBOUND", b.Deployment.Name})
		}
	}
	return all
}

// ambient returns why a request of a caller in an ambient namespace has no answer.
func (r *Rules) ambient(a *Answer) string {
	if !a.Source.NoSidecar {
		return ""
	}
	if n := r.ambientNamespace(a.Source.Namespace); n != nil {
		return n.String() + ": its pods are in ambient mode, where waypoints apply rules, which is not computed"
	}
	return ""
}

// ambientNamespace returns a namespace if its pods are in ambient mode; else nil.
func (r *Rules) ambientNamespace(name string) *overlay.Meta {
	i := slices.IndexFunc(r.Overlay.Namespaces, func(n overlay.Meta) bool {
		return n.Name == name && n.Labels["istio.io/dataplane-mode"] == "ambient"
	})
	if i < 0 {
		return nil
	}
	return &r.Overlay.Namespaces[i]
}
