package overlay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// checkGateway applies Istio's ValidateGateway.
func checkGateway(at problems, m Meta, spec *networking.Gateway) {
	if !isIstioLabel(m.Name) {
		at.add("metadata.name", "want a name without dots, got %s", quote(m.Name))
	}
	if len(spec.Servers) == 0 {
		at.add("spec.servers", "missing: want at least one server")
	}
	names := map[string]bool{}
	for i, s := range spec.Servers {
		path := fmt.Sprintf("spec.servers[%d]", i)
		if len(s.Hosts) == 0 {
			at.add(path+".hosts", "missing: want at least one host")
		}
		for j, host := range s.Hosts {
			checkServerHost(at, fmt.Sprintf("%s.hosts[%d]", path, j), host)
		}
		if s.Port == nil {
			at.add(path+".port", "missing")
			continue
		}
		checkIstioPort(at, path+".port.number", s.Port.Number)
		checkProtocol(at, path+".port.protocol", s.Port.Protocol, false)
		switch {
		case s.Port.Name == "":
			at.add(path+".port.name", "missing")
		case names[s.Port.Name]:
			at.add(path+".port.name", "%s is there twice", quote(s.Port.Name))
		}
		names[s.Port.Name] = true
		encrypted := slices.Contains([]string{"HTTPS", "TLS"}, strings.ToUpper(s.Port.Protocol))
		switch {
		case encrypted && s.Tls == nil:
			at.add(path+".tls", "missing: %s needs it", s.Port.Protocol)
		case !encrypted && s.Tls != nil && s.Tls.Mode != networking.ServerTLSSettings_PASSTHROUGH:
			at.add(path+".tls", "%s is not encrypted", s.Port.Protocol)
		}
		//lint:ignore SA1019 deprecated, and refused
		if s.Port.TargetPort != 0 {
			at.add(path+".port.targetPort", "has no meaning in a Gateway")
		}
	}
}

// checkServerHost checks a host of a Gateway: a full name, optionally with a wildcard, or an address, optionally after namespace/.
func checkServerHost(at problems, path, host string) {
	if namespace, name, qualified := strings.Cut(host, "/"); qualified {
		if namespace != "*" && namespace != "." && !isIstioLabel(namespace) {
			at.add(path, "want *, . or a namespace before the /, got %s", quote(host))
		}
		host = name
	}
	switch {
	case host == "*" || istio.IsAddress(host):
	case !strings.Contains(host, "."):
		at.add(path, "want a full name or *, got the short name %s", quote(host))
	case strings.Contains(host, "*") && !strings.HasPrefix(host, "*."):
		at.add(path, "a wildcard replaces whole labels: want *.…, got %s", quote(host))
	default:
		checkHost(at, path, host)
	}
}

// checkProtocol checks the name of a port's protocol.
func checkProtocol(at problems, path, protocol string, emptyAllowed bool) {
	known := []string{"HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS", "TLS", "TCP", "UDP", "MONGO", "REDIS", "MYSQL", "HTTP_PROXY"}
	if protocol == "" && emptyAllowed || slices.Contains(known, strings.ToUpper(protocol)) {
		return
	}
	at.add(path, "want one of %s, got %s", strings.Join(known, ", "), quote(protocol))
}
