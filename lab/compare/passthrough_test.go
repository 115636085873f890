package compare

import (
	"testing"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/overlay"
)

// TestOutboundTrafficPolicy: another outboundTrafficPolicy changes requests to unknown hosts, on the ports that the mesh has and on others.
func TestOutboundTrafficPolicy(t *testing.T) {
	t.Parallel()
	with := func(mode networking.OutboundTrafficPolicy_Mode) Rules {
		o := world()
		o.Sidecars = []overlay.Istio[*networking.Sidecar]{{Meta: overlay.Meta{Kind: "Sidecar", Namespace: "ns", Name: "s"},
			Spec: &networking.Sidecar{OutboundTrafficPolicy: &networking.OutboundTrafficPolicy{Mode: mode}}}}
		return rulesOf(t, o)
	}
	only, any := with(networking.OutboundTrafficPolicy_REGISTRY_ONLY), with(networking.OutboundTrafficPolicy_ALLOW_ANY)
	if got := Tables(only, only); len(got.Groups) > 0 {
		t.Errorf("equal policies differ: %+v", got.Groups)
	}
	ports := map[bool]bool{}
	table := any.Table
	for _, c := range Callers(any.Overlay) {
		if !c.Source.Gateway {
			for port := range table.Domains(&c.Source) {
				ports[port == 80] = true
			}
		}
	}
	if got := Tables(only, any); len(got.Groups) == 0 || len(got.Limits) > 0 || !ports[true] || !ports[false] {
		t.Errorf("got %+v, want differences for unknown hosts, on port 80 and on another: %v", got, ports)
	}
}
