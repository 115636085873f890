package fields

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// checkValues rejects unsupported values of supported fields.
func checkValues(o *overlay.Overlay, report *overlay.Report) {
	for _, d := range o.DestinationRules {
		checkPolicy(d.String(), "spec.trafficPolicy", d.Spec.GetTrafficPolicy(), report)
		for i, s := range d.Spec.GetSubsets() {
			checkPolicy(d.String(), fmt.Sprintf("spec.subsets[%d].trafficPolicy", i), s.GetTrafficPolicy(), report)
		}
	}
	for _, g := range o.Gateways {
		for i, s := range g.Spec.GetServers() {
			checkServer(g.String(), fmt.Sprintf("spec.servers[%d]", i), s, report)
		}
	}
	for _, v := range o.VirtualServices {
		for i, h := range v.Spec.GetHttp() {
			for j, m := range h.GetMatch() {
				for _, name := range slices.Concat(slices.Sorted(maps.Keys(m.GetHeaders())), slices.Sorted(maps.Keys(m.GetWithoutHeaders()))) {
					if strings.HasPrefix(name, "@request.auth.claims") {
						report.Add(v.String(), fmt.Sprintf("spec.http[%d].match[%d].headers.%s", i, j, name), "claims of tokens are not supported by the lab")
					}
				}
			}
		}
	}
}

func checkPolicy(object, path string, p *networking.TrafficPolicy, report *overlay.Report) {
	checkPolicyValues(object, path, p.GetLoadBalancer(), p.GetConnectionPool(), p.GetTls(), report)
	for i, s := range p.GetPortLevelSettings() {
		checkPolicyValues(object, fmt.Sprintf("%s.portLevelSettings[%d]", path, i), s.GetLoadBalancer(), s.GetConnectionPool(), s.GetTls(), report)
	}
}

func checkPolicyValues(object, path string, lb *networking.LoadBalancerSettings, pool *networking.ConnectionPoolSettings, tls *networking.ClientTLSSettings, report *overlay.Report) {
	if lb.GetSimple() == networking.LoadBalancerSettings_PASSTHROUGH {
		report.Add(object, path+".loadBalancer.simple", "PASSTHROUGH is not supported by the lab: want LEAST_REQUEST, ROUND_ROBIN or RANDOM")
	}
	if pool.GetHttp().GetH2UpgradePolicy() == networking.ConnectionPoolSettings_HTTPSettings_UPGRADE {
		report.Add(object, path+".connectionPool.http.h2UpgradePolicy", "UPGRADE is not supported by the lab: want DEFAULT or DO_NOT_UPGRADE")
	}
	switch tls.GetMode() {
	case networking.ClientTLSSettings_DISABLE, networking.ClientTLSSettings_ISTIO_MUTUAL:
	default:
		report.Add(object, path+".tls.mode", "%s is not supported by the lab: want DISABLE, or ISTIO_MUTUAL, which is accepted and not enforced", tls.GetMode())
	}
}

func checkServer(object, path string, s *networking.Server, report *overlay.Report) {
	protocol := strings.ToUpper(s.GetPort().GetProtocol())
	if !istio.ParseProtocol(s.GetPort().GetProtocol()).PlainHTTP() && protocol != "HTTPS" && protocol != "TLS" {
		report.Add(object, path+".port.protocol", "%s is not supported by the lab: want HTTP, HTTPS or TLS", s.GetPort().GetProtocol())
	}
}
