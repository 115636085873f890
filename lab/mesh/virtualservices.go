package mesh

import (
	"cmp"
	"slices"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"
)

// virtualService is a VirtualService with complete host and gateway names.
type virtualService struct {
	object          string // "VirtualService hopline/middle"
	name, namespace string
	hosts           []string // in the letter case of the file: a gateway's server must use the same
	gateways        []string // "mesh" or "namespace/name"
	exportTo        []string
	http            []*networking.HTTPRoute
}

// newVirtualServices completes the names in an overlay's VirtualServices and sorts them by age, as Istio does.
func newVirtualServices(o *overlay.Overlay) []*virtualService {
	out := make([]*virtualService, 0, len(o.VirtualServices))
	sorted := slices.Clone(o.VirtualServices)
	slices.SortStableFunc(sorted, func(a, b overlay.Istio[*networking.VirtualService]) int { return a.CompareAge(b.Meta) })
	for _, v := range sorted {
		spec := proto.CloneOf(v.Spec)
		vs := &virtualService{object: v.String(), name: v.Name, namespace: v.Namespace, exportTo: spec.GetExportTo(), http: spec.GetHttp()}
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
	return out
}

func completeRule(h *networking.HTTPRoute, namespace string) {
	for _, m := range h.GetMatch() {
		if m != nil {
			m.Gateways = fullGateways(m.GetGateways(), namespace)
		}
	}
	destinations := []*networking.Destination{h.GetMirror()}
	for _, r := range h.GetRoute() {
		destinations = append(destinations, r.GetDestination())
	}
	for _, m := range h.GetMirrors() {
		destinations = append(destinations, m.GetDestination())
	}
	for _, d := range destinations {
		if d != nil {
			d.Host = istio.FullHost(d.GetHost(), namespace)
		}
	}
}

func fullGateways(names []string, namespace string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = istio.GatewayName(n, namespace)
	}
	return out
}

// boundTo lists the VirtualServices that a namespace sees and that are bound to a gateway, first those bound to only this gateway.
func boundTo(all []*virtualService, gateway, namespace string) []*virtualService {
	rank := func(v *virtualService) int {
		switch {
		case istio.IsPublic(v.exportTo):
			return 2
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
