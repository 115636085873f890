package mesh

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/gatewayapi"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
)

// virtualService is a VirtualService with complete host and gateway names, or what istiod makes of HTTPRoutes.
type virtualService struct {
	object          string // "VirtualService hopline/middle"
	name, namespace string
	age             overlay.Meta
	hosts           []string // in the letter case of the file: a gateway's server must use the same
	gateways        []string // "mesh" or "namespace/name"
	exportTo        []string
	http            []*networking.HTTPRoute
	routes          []gatewayapi.Rule // the origins of http; nil for a VirtualService
	merged          []origin          // the origins of http, if some of its rules delegate; else nil
}

// fromRoutes reports whether istiod makes the VirtualService of HTTPRoutes: then prefixes match whole segments, the rules apply only to
// callers of its own namespace and of the Service's, and a destination that does not exist gets 500.
// (pilot/pkg/model/virtualservice.go of Istio 1.31, UseGatewaySemantics)
func (v *virtualService) fromRoutes() bool { return v.routes != nil }

// ruleAt identifies a match block of a rule for messages.
type ruleAt struct {
	object  string // "VirtualService hopline/middle"
	through string // the VirtualService that delegates to object; empty for a rule of its own
	name    string // the rule's name, or its place
	place   string // "http[1].match[0]"
	path    string // "spec.http[1]"
}

// at identifies the j-th match block of the i-th rule.
func (v *virtualService) at(i, j int) ruleAt {
	if v.fromRoutes() {
		r := &v.routes[i]
		place, _, _ := strings.Cut(r.Place, ".")
		return ruleAt{object: r.Object, name: cmp.Or(r.Name, r.Place), place: r.Place, path: "spec." + place}
	}
	h := v.http[i]
	from := origin{object: v.object, index: i}
	if v.merged != nil {
		from = v.merged[i]
	}
	place := "http[" + strconv.Itoa(from.index) + "]"
	out := ruleAt{object: from.object, through: from.through, path: "spec." + place, place: place}
	if block := from.block(h, j); block >= 0 {
		out.place += ".match[" + strconv.Itoa(block) + "]"
	}
	switch match := istio.Matches(h)[j]; {
	case h.GetName() == "":
		out.name = out.place
	case match.GetName() != "":
		out.name = h.GetName() + "." + match.GetName()
	default:
		out.name = h.GetName()
	}
	return out
}

// newVirtualServices completes the names in an overlay's VirtualServices, adds those of HTTPRoutes, and sorts them by age, as Istio does.
func newVirtualServices(o *overlay.Overlay, routes []gatewayapi.VirtualService) []*virtualService {
	out := make([]*virtualService, 0, len(o.VirtualServices)+len(routes))
	for _, v := range o.VirtualServices {
		spec := proto.CloneOf(v.Spec)
		vs := &virtualService{object: v.String(), name: v.Name, namespace: v.Namespace, age: v.Meta, exportTo: spec.GetExportTo(), http: spec.GetHttp()}
		for _, h := range spec.GetHosts() {
			vs.hosts = append(vs.hosts, istio.FullHost(h, v.Namespace))
		}
		vs.gateways = fullGateways(spec.GetGateways(), v.Namespace)
		if len(vs.gateways) == 0 {
			vs.gateways = []string{istio.MeshGateway}
		}
		for _, h := range vs.http {
			completeRule(h, v.Namespace)
		}
		out = append(out, vs)
	}
	for _, v := range routes {
		vs := &virtualService{object: v.Objects(), name: v.Name, namespace: v.Namespace, age: v.Meta, hosts: []string{v.Host}, gateways: []string{v.Gateway}, routes: v.Rules}
		for _, r := range v.Rules {
			vs.http = append(vs.http, r.HTTP)
		}
		out = append(out, vs)
	}
	slices.SortStableFunc(out, func(a, b *virtualService) int { return a.age.CompareAge(b.age) })
	return out
}

func completeRule(h *networking.HTTPRoute, namespace string) {
	for _, m := range h.GetMatch() {
		if m != nil {
			m.Gateways = fullGateways(m.GetGateways(), namespace)
		}
	}
	for _, d := range istio.Destinations(h) {
		d.Host = istio.FullHost(d.GetHost(), namespace)
	}
}

func fullGateways(names []string, namespace string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = istio.GatewayName(n, namespace)
	}
	return out
}

// boundTo lists the VirtualServices that a namespace sees and that are bound to a gateway: first those that only it sees, then those that
// only some see, then those of HTTPRoutes of the namespace, then all others.
// (pilot/pkg/model of Istio 1.31, VirtualServicesForGateway and SelectVirtualServices)
func boundTo(all []*virtualService, gateway, namespace string) []*virtualService {
	rank := func(v *virtualService) int {
		switch {
		case istio.IsPublic(v.exportTo) && v.fromRoutes() && v.namespace == namespace:
			return 2
		case istio.IsPublic(v.exportTo):
			return 3
		case v.namespace == namespace:
			return 0
		default:
			return 1
		}
	}
	var out []*virtualService
	for _, v := range all {
		if slices.Contains(v.gateways, gateway) && istio.VisibleFrom(v.exportTo, v.namespace, namespace) {
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b *virtualService) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}
