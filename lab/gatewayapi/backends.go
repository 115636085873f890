package gatewayapi

import (
	"cmp"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
)

// backends sets the weighted destinations of a rule. Those of weight 0 get no requests.
// (conversion.go, buildHTTPDestination)
func (r *ruleOf) backends(out *networking.HTTPRoute) {
	for i := range r.rule.BackendRefs {
		b := &r.rule.BackendRefs[i]
		if *b.Weight == 0 {
			continue
		}
		path := r.path + ".backendRefs[" + itoa(i) + "]"
		destination, soft, hard := r.destination(b.BackendRef, path)
		if hard != nil {
			r.hard = hard
			return
		}
		if soft != nil {
			r.soft = append(r.soft, soft)
		}
		to := &networking.HTTPRouteDestination{Destination: destination, Weight: int32(*b.Weight)}
		for j, f := range b.Filters {
			switch f.Type {
			case "RequestHeaderModifier":
				headersOf(&to.Headers).Request = operations(f.RequestHeaderModifier)
			case "ResponseHeaderModifier":
				headersOf(&to.Headers).Response = operations(f.ResponseHeaderModifier)
			default:
				r.hard = failed("InvalidFilter", path+".filters["+itoa(j)+"].type", "Istio drops the route: a destination has no filter %s", f.Type)
				return
			}
		}
		out.Route = append(out.Route, to)
	}
	if len(out.Route) == 1 {
		out.Route[0].Weight = 0
	}
}

// destination converts a reference to a destination. One that does not exist, or may not be referred to, gets 500: it is soft. One that is
// invalid makes Istio drop the route: it is hard.
// (conversion.go, buildDestination)
func (r *ruleOf) destination(b overlay.BackendRef, path string) (out *networking.Destination, soft, hard *failure) {
	kind := b.Group + "/" + b.Kind
	namespace := cmp.Or(b.Namespace, r.route.Namespace)
	if r.grants && namespace != r.route.Namespace && !r.granted(b, namespace) {
		return &networking.Destination{}, failed("RefNotPermitted", path+".namespace", "no ReferenceGrant of namespace %s allows HTTPRoutes of namespace %s to refer to %s %s",
			namespace, r.route.Namespace, b.Kind, b.Name), nil
	}
	switch {
	case kind == "/Service" && strings.Contains(b.Name, "."):
		return nil, nil, failed("InvalidDestination", path+".name", "want the name of a Service, got the host name %s", b.Name)
	case kind == "networking.istio.io/Hostname" && b.Namespace != "":
		return nil, nil, failed("InvalidDestination", path+".namespace", "want none: a Hostname has no namespace")
	case kind != "/Service" && kind != "networking.istio.io/Hostname":
		return &networking.Destination{}, failed("InvalidKind", path+".kind", "want a Service or a Hostname (of group networking.istio.io), got %s of group %q", b.Kind, b.Group), nil
	case b.Port == 0:
		return nil, nil, failed("InvalidDestination", path+".port", "missing")
	}
	out = &networking.Destination{Host: b.Name, Port: &networking.PortSelector{Number: uint32(b.Port)}}
	if b.Kind == "Service" {
		out.Host = istio.ServiceHost(b.Name, namespace)
	}
	if !r.hosts[out.Host] {
		soft = failed("BackendNotFound", path+".name", "no Service %s/%s%s", namespace, b.Name, r.hint(namespace, b.Name))
		if b.Kind == "Hostname" {
			soft.message = "no Service or ServiceEntry has the host " + b.Name
		}
	}
	return out, soft, nil
}

// granted reports whether a ReferenceGrant allows the reference.
func (r *ruleOf) granted(b overlay.BackendRef, namespace string) bool {
	return slices.ContainsFunc(r.overlay.ReferenceGrants, func(g overlay.ReferenceGrant) bool {
		from := slices.ContainsFunc(g.Spec.From, func(f overlay.GrantFrom) bool {
			return overlay.GroupOf(f.Group) == overlay.GatewayAPI && f.Kind == "HTTPRoute" && f.Namespace == r.route.Namespace
		})
		return g.Namespace == namespace && from && slices.ContainsFunc(g.Spec.To, func(t overlay.GrantTo) bool {
			return *t.Group == b.Group && t.Kind == b.Kind && (t.Name == "" || t.Name == b.Name)
		})
	})
}
