package validate

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// ServiceEntry applies Istio's ValidateServiceEntry.
func ServiceEntry(at Report, of Object, spec *networking.ServiceEntry) {
	if spec.WorkloadSelector != nil && spec.Endpoints != nil {
		at("spec", "want workloadSelector or endpoints, got both")
	}
	checkSelector(at, "spec.workloadSelector.labels", spec.GetWorkloadSelector().GetLabels())
	if len(spec.Hosts) == 0 {
		at("spec.hosts", "missing: want at least one host")
	}
	for i, host := range spec.Hosts {
		path := fmt.Sprintf("spec.hosts[%d]", i)
		if host == "*" {
			at(path, "want a host name, got *")
			continue
		}
		checkHost(at, path, host)
	}
	checkAddresses(at, spec)
	names := checkEntryPorts(at, spec)
	checkResolution(at, spec)
	for i, e := range spec.Endpoints {
		checkEndpoint(at, fmt.Sprintf("spec.endpoints[%d]", i), spec.Resolution, e, names)
	}
	checkExportTo(at, of.Namespace, spec.ExportTo, true)
}

func checkAddresses(at Report, spec *networking.ServiceEntry) {
	for i, a := range spec.Addresses {
		path := fmt.Sprintf("spec.addresses[%d]", i)
		if strings.Contains(a, "/") {
			if _, err := netip.ParsePrefix(a); err != nil {
				at(path, "want an IP address or a range like 10.0.0.0/8, got %s", fieldpath.Quote(a))
			}
			if spec.Resolution != networking.ServiceEntry_NONE && spec.Resolution != networking.ServiceEntry_STATIC {
				at(path, "ranges go with resolution NONE or STATIC, got %s", spec.Resolution)
			}
		} else if !istio.IsAddress(a) {
			at(path, "want an IP address or a range like 10.0.0.0/8, got %s", fieldpath.Quote(a))
		}
	}
}

func checkEntryPorts(at Report, spec *networking.ServiceEntry) map[string]bool {
	names, numbers := map[string]bool{}, map[uint32]bool{}
	for i, p := range spec.Ports {
		path := fmt.Sprintf("spec.ports[%d]", i)
		if !isIstioLabel(p.Name) {
			at(path+".name", "want letters, digits and -, got %s", fieldpath.Quote(p.Name))
		}
		if names[p.Name] {
			at(path+".name", "%s appears twice", fieldpath.Quote(p.Name))
		}
		if numbers[p.Number] {
			at(path+".number", "%d appears twice", p.Number)
		}
		names[p.Name], numbers[p.Number] = true, true
		checkPort(at, path+".number", p.Number)
		if p.TargetPort > 65535 {
			checkPort(at, path+".targetPort", p.TargetPort)
		}
		checkProtocol(at, path+".protocol", p.Protocol, true)
		if !slices.Contains([]string{"HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS", "TLS", "HTTP_PROXY"}, strings.ToUpper(p.Protocol)) &&
			len(spec.Hosts) > 1 && spec.Resolution != networking.ServiceEntry_NONE {
			at(path+".protocol", "several hosts on one port need HTTP or TLS, which distinguish them, got %s", fieldpath.Quote(p.Protocol))
		}
	}
	return names
}

func checkResolution(at Report, spec *networking.ServiceEntry) {
	switch spec.Resolution {
	case networking.ServiceEntry_NONE:
		if len(spec.Endpoints) > 0 {
			at("spec.endpoints", "not together with resolution NONE")
		}
	case networking.ServiceEntry_DNS, networking.ServiceEntry_DNS_ROUND_ROBIN:
		if spec.Resolution == networking.ServiceEntry_DNS_ROUND_ROBIN && len(spec.Endpoints) > 1 {
			at("spec.endpoints", "resolution DNS_ROUND_ROBIN wants at most one, got %d", len(spec.Endpoints))
		}
		if len(spec.Endpoints) > 0 {
			return
		}
		for i, host := range spec.Hosts {
			if !isFQDN(host) {
				at(fmt.Sprintf("spec.hosts[%d]", i), "without endpoints, resolution %s wants a name to look up, got %s", spec.Resolution, fieldpath.Quote(host))
			}
		}
	}
}

func checkEndpoint(at Report, path string, resolution networking.ServiceEntry_Resolution, e *networking.WorkloadEntry, names map[string]bool) {
	switch {
	case istio.IsAddress(e.Address):
	case resolution == networking.ServiceEntry_STATIC && e.Address == "" && e.Network != "":
	case resolution == networking.ServiceEntry_STATIC:
		at(path+".address", "resolution STATIC wants an IP address, got %s", fieldpath.Quote(e.Address))
	case resolution != networking.ServiceEntry_NONE && !isFQDN(e.Address):
		at(path+".address", "want an IP address or a host name, got %s", fieldpath.Quote(e.Address))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Ports)) {
		if !names[name] {
			at(fieldpath.Join(path+".ports", name), "no port of the ServiceEntry has this name")
		}
		checkPort(at, fieldpath.Join(path+".ports", name), e.Ports[name])
	}
	checkTags(at, path+".labels", e.Labels)
}
