package overlay

import (
	"cmp"

	"github.com/hopline/hopline/lab/istio"
)

// kubernetesGateways adds the Gateways of the Gateway API that HTTPRoutes name: one for the ingress gateway in Istio's root namespace, and
// elsewhere one that Istio deploys.
func (a *assumption) kubernetesGateways() string {
	known := map[string]bool{}
	for _, g := range a.overlay.KubernetesGateways {
		known[g.Namespace+"/"+g.Name] = true
	}
	given := map[string]*KubernetesGateway{}
	names := map[string]struct{}{}
	for _, r := range a.overlay.HTTPRoutes {
		for _, p := range r.Spec.ParentRefs {
			namespace := cmp.Or(p.Namespace, r.Namespace)
			name := namespace + "/" + p.Name
			if p.Kind != "Gateway" || GroupOf(p.Group) != GatewayAPI || known[name] {
				continue
			}
			if given[name] == nil {
				given[name] = givenGateway(namespace, p.Name)
				names[name] = struct{}{}
			}
			given[name].give(&p)
		}
	}
	for _, g := range given {
		a.overlay.KubernetesGateways = append(a.overlay.KubernetesGateways, *g)
	}
	return assumed("these Gateways of the Gateway API, which are not among the files, take all hosts of all namespaces: %s", names)
}

func givenGateway(namespace, name string) *KubernetesGateway {
	g := &KubernetesGateway{Meta: Meta{APIVersion: GatewayAPI + "/v1", Kind: "Gateway", Namespace: namespace, Name: name}}
	g.Spec.GatewayClassName = "istio"
	if namespace == istio.RootNamespace {
		g.Spec.Addresses = []GatewayAddress{{Type: "Hostname", Value: istio.Ingress().Name}}
	}
	return g
}

// give adds the listener that a route names.
func (g *KubernetesGateway) give(p *ParentRef) {
	l := Listener{Name: cmp.Or(p.SectionName, "http"), Port: cmp.Or(p.Port, 80), Protocol: "HTTP", AllowedRoutes: &AllowedRoutes{Namespaces: &RouteNamespaces{From: "All"}}}
	for _, o := range g.Spec.Listeners {
		if o.Name == l.Name && o.Port == l.Port {
			return
		}
	}
	g.Spec.Listeners = append(g.Spec.Listeners, l)
}

// namedByRoute lists the Services that an HTTPRoute names.
func namedByRoute(r *HTTPRoute) (list []namedHost) {
	for _, p := range r.Spec.ParentRefs {
		if p.Kind == "Service" {
			list = append(list, namedHost{host: istio.ServiceHost(p.Name, cmp.Or(p.Namespace, r.Namespace)), port: p.Port})
		}
	}
	for _, b := range r.backends() {
		if b.Kind == "Service" && b.Group == "" {
			list = append(list, namedHost{host: b.Host(r.Namespace), port: b.Port})
		}
	}
	return list
}
