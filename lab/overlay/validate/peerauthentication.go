package validate

import (
	"fmt"
	"maps"
	"slices"

	security "istio.io/api/security/v1beta1"
)

// PeerAuthentication applies Istio's ValidatePeerAuthentication. The object is not enforced.
func PeerAuthentication(at Report, p *security.PeerAuthentication) {
	labels := p.GetSelector().GetMatchLabels()
	checkSelector(at, "spec.selector.matchLabels", labels)
	if p.PortLevelMtls != nil && len(p.PortLevelMtls) == 0 {
		at("spec.portLevelMtls", "empty, want at least one port")
	}
	if len(p.PortLevelMtls) > 0 && len(labels) == 0 {
		at("spec.portLevelMtls", "want a selector with labels: ports are those of workloads, not of a namespace")
	}
	for _, port := range slices.Sorted(maps.Keys(p.PortLevelMtls)) {
		if port < 1 || port > 65535 {
			at(fmt.Sprintf("spec.portLevelMtls.%d", port), "want a port from 1 to 65535")
		}
	}
}
