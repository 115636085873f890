package validate

import (
	"fmt"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	networking "istio.io/api/networking/v1alpha3"
)

// Sidecar applies the part of Istio's ValidateSidecar that concerns the hosts that a workload sees.
func Sidecar(at Report, _ Object, spec *networking.Sidecar) {
	if spec.Egress == nil && spec.Ingress == nil && spec.OutboundTrafficPolicy == nil && spec.InboundConnectionPool == nil {
		at("spec", "empty, want egress")
	}
	checkSelector(at, "spec.workloadSelector.labels", spec.GetWorkloadSelector().GetLabels())
	for i, e := range spec.Egress {
		if e.Port == nil && i < len(spec.Egress)-1 {
			at(fmt.Sprintf("spec.egress[%d]", i), "a listener without a port must be the last")
		}
		path := fmt.Sprintf("spec.egress[%d].hosts", i)
		if len(e.Hosts) == 0 {
			at(path, "missing: want at least one, as namespace/host")
		}
		for j, host := range e.Hosts {
			checkSidecarHost(at, fmt.Sprintf("%s[%d]", path, j), host)
		}
	}
}

// checkSidecarHost checks namespace/host: the namespace may be *, . or ~, the host may have a wildcard.
func checkSidecarHost(at Report, path, host string) {
	namespace, name, qualified := strings.Cut(host, "/")
	if !qualified || namespace == "" || name == "" {
		at(path, "want namespace/host, got %s", fieldpath.Quote(host))
		return
	}
	if n := strings.TrimPrefix(namespace, "~"); n != "" && n != "*" && n != "." && !isIstioLabel(n) {
		at(path, "want *, ., ~ or a namespace before the /, got %s", fieldpath.Quote(host))
	}
	switch {
	case name == "*":
	case !strings.Contains(name, "."):
		at(path, "want a full name or * after the /, got the short name %s", fieldpath.Quote(name))
	case strings.Contains(name, "*") && !strings.HasPrefix(name, "*."):
		at(path, "a wildcard replaces whole labels: want *.…, got %s", fieldpath.Quote(name))
	default:
		checkHost(at, path, name)
	}
}
