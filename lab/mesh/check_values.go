package mesh

import (
	"fmt"
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
				for _, name := range slices.Concat(sortedKeys(m.GetHeaders()), sortedKeys(m.GetWithoutHeaders())) {
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
		report.Add(object, path+".tls.mode", "%s is not supported by the lab: want ISTIO_MUTUAL, which it accepts and does not enforce, or DISABLE", tls.GetMode())
	}
}

func checkServer(object, path string, s *networking.Server, report *overlay.Report) {
	protocol := strings.ToUpper(s.GetPort().GetProtocol())
	if !plainHTTP(s) && protocol != "HTTPS" && protocol != "TLS" {
		report.Add(object, path+".port.protocol", "%s is not supported by the lab: want HTTP, HTTPS or TLS", s.GetPort().GetProtocol())
	}
}

func checkEntry(e *overlay.Istio[*networking.ServiceEntry], report *overlay.Report) {
	switch e.Spec.GetResolution() {
	case networking.ServiceEntry_NONE, networking.ServiceEntry_STATIC, networking.ServiceEntry_DNS, networking.ServiceEntry_DNS_ROUND_ROBIN:
	default:
		report.Add(e.String(), "spec.resolution", "%s is not supported by the lab: want STATIC, DNS, DNS_ROUND_ROBIN or NONE", e.Spec.GetResolution())
	}
	for i, a := range e.Spec.GetAddresses() {
		if strings.Contains(a, "/") {
			report.Add(e.String(), fmt.Sprintf("spec.addresses[%d]", i), "a range, %q, is not supported by the lab: want an address", a)
		}
	}
	for i, p := range e.Spec.GetEndpoints() {
		if strings.HasPrefix(p.GetAddress(), "unix://") {
			report.Add(e.String(), fmt.Sprintf("spec.endpoints[%d].address", i), "a socket, %q, is not supported by the lab: want an address or a name", p.GetAddress())
		}
	}
}

// checkEndpoints rejects a Service among several endpoints of a ServiceEntry with DNS resolution.
func checkEndpoints(o *overlay.Overlay, all []*service, report *overlay.Report) {
	names := map[string]bool{}
	for _, s := range all {
		names[s.host] = names[s.host] || s.kubernetes
	}
	for _, e := range o.ServiceEntries {
		if r := e.Spec.GetResolution(); len(e.Spec.GetEndpoints()) < 2 || r != networking.ServiceEntry_DNS && r != networking.ServiceEntry_DNS_ROUND_ROBIN {
			continue
		}
		for i, p := range e.Spec.GetEndpoints() {
			if name, namespace, ok := istio.ServiceOf(p.GetAddress()); ok && names[istio.ServiceHost(name, namespace)] {
				report.Add(e.String(), fmt.Sprintf("spec.endpoints[%d].address", i), "a Service, %s, beside other endpoints is not supported by the lab", p.GetAddress())
			}
		}
	}
}

// checkHosts rejects hosts that a namespace defines twice: Istio would merge their endpoints.
func checkHosts(all []*service, report *overlay.Report) {
	seen := map[[2]string]*service{}
	for _, s := range all {
		key := [2]string{s.namespace, s.host}
		if old := seen[key]; old != nil && s.entry != nil {
			report.Add(s.object, "spec.hosts", "%s, which %s has in this namespace, too, is not supported by the lab", s.host, old.object)
		}
		if seen[key] == nil || s.kubernetes {
			seen[key] = s
		}
	}
}
