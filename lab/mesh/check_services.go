package mesh

import (
	"fmt"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// checkEntry rejects values of a ServiceEntry that the lab does not support.
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
