package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// Gateway applies Istio's ValidateGateway.
func Gateway(at Report, of Object, spec *networking.Gateway) {
	if !isIstioLabel(of.Name) {
		at("metadata.name", "want a name without dots, got %s", fieldpath.Quote(of.Name))
	}
	if len(spec.Servers) == 0 {
		at("spec.servers", "missing: want at least one server")
	}
	names := map[string]bool{}
	for i, s := range spec.Servers {
		path := fmt.Sprintf("spec.servers[%d]", i)
		if len(s.Hosts) == 0 {
			at(path+".hosts", "missing: want at least one host")
		}
		for j, host := range s.Hosts {
			checkServerHost(at, fmt.Sprintf("%s.hosts[%d]", path, j), host)
		}
		if s.Port == nil {
			at(path+".port", "missing")
			continue
		}
		checkPort(at, path+".port.number", s.Port.Number)
		checkProtocol(at, path+".port.protocol", s.Port.Protocol, false)
		switch {
		case s.Port.Name == "":
			at(path+".port.name", "missing")
		case names[s.Port.Name]:
			at(path+".port.name", "%s appears twice", fieldpath.Quote(s.Port.Name))
		}
		names[s.Port.Name] = true
		encrypted := slices.Contains([]string{"HTTPS", "TLS"}, strings.ToUpper(s.Port.Protocol))
		switch {
		case encrypted && s.Tls == nil:
			at(path+".tls", "missing: %s needs it", s.Port.Protocol)
		case !encrypted && s.Tls != nil && !onlyRedirects(s):
			at(path+".tls", "%s is not encrypted", s.Port.Protocol)
		}
		if s.Tls != nil && (encrypted || onlyRedirects(s)) {
			checkServerTLS(at, path+".tls", s.Tls)
		}
		//lint:ignore SA1019 deprecated, and refused
		if s.Port.TargetPort != 0 {
			at(path+".port.targetPort", "has no meaning in a Gateway")
		}
	}
}

// onlyRedirects reports whether the TLS settings of a server without TLS have nothing but what Istio accepts there: httpsRedirect.
func onlyRedirects(s *networking.Server) bool {
	return istio.ParseProtocol(s.Port.Protocol).PlainHTTP() && passesThrough(s.Tls) && s.Tls.CaCertificates+s.Tls.PrivateKey+s.Tls.ServerCertificate == ""
}

func passesThrough(tls *networking.ServerTLSSettings) bool {
	return tls.Mode == networking.ServerTLSSettings_PASSTHROUGH || tls.Mode == networking.ServerTLSSettings_AUTO_PASSTHROUGH
}

// checkServerTLS applies Istio's validateTLSOptions.
func checkServerTLS(at Report, path string, tls *networking.ServerTLSSettings) {
	credentials := tls.CredentialName != "" || len(tls.CredentialNames) > 0
	if tls.Mode == networking.ServerTLSSettings_ISTIO_MUTUAL {
		if credentials || tls.ServerCertificate+tls.PrivateKey+tls.CaCertificates != "" || len(tls.TlsCertificates) > 0 {
			at(path, "ISTIO_MUTUAL uses the mesh's own certificates: want no others")
		}
		return
	}
	if certificateSources(tls) > 1 {
		at(path, "want one of credentialName, credentialNames, serverCertificate with privateKey, and tlsCertificates")
	}
	if passesThrough(tls) {
		if tls.CaCrl != "" && tls.CredentialName != "" {
			at(path+".caCrl", "not together with credentialName")
		}
		return
	}
	if credentials {
		return
	}
	checkCertificates(at, path, tls)
	if tls.CaCrl != "" && tls.Mode == networking.ServerTLSSettings_SIMPLE {
		at(path+".caCrl", "not together with mode SIMPLE")
	}
}

// certificateSources returns in how many ways TLS settings name certificates.
func certificateSources(tls *networking.ServerTLSSettings) (n int) {
	for _, given := range []bool{tls.ServerCertificate != "" && tls.PrivateKey != "", tls.CredentialName != "", len(tls.CredentialNames) > 0, len(tls.TlsCertificates) > 0} {
		if given {
			n++
		}
	}
	return n
}

// checkCertificates checks that TLS settings without the name of a Secret have the paths of all certificates that their mode needs.
func checkCertificates(at Report, path string, tls *networking.ServerTLSSettings) {
	if tls.Mode != networking.ServerTLSSettings_SIMPLE && tls.CaCertificates == "" {
		at(path+".caCertificates", "missing: mode %s checks the certificates of callers", tls.Mode)
	}
	if len(tls.TlsCertificates) == 0 && tls.ServerCertificate == "" {
		at(path+".serverCertificate", "missing: want it or credentialName")
	}
	if len(tls.TlsCertificates) == 0 && tls.PrivateKey == "" {
		at(path+".privateKey", "missing: want it or credentialName")
	}
	for i, c := range tls.TlsCertificates {
		if c.ServerCertificate == "" || c.PrivateKey == "" {
			at(fmt.Sprintf("%s.tlsCertificates[%d]", path, i), "want serverCertificate and privateKey")
		}
	}
}

// checkServerHost checks a host of a Gateway: a full name, optionally with a wildcard, or an address, optionally after namespace/.
func checkServerHost(at Report, path, host string) {
	if namespace, name, qualified := strings.Cut(host, "/"); qualified {
		if namespace != "*" && namespace != "." && !isIstioLabel(namespace) {
			at(path, "want *, . or a namespace before the /, got %s", fieldpath.Quote(host))
		}
		host = name
	}
	switch {
	case host == "*" || istio.IsAddress(host):
	case !strings.Contains(host, "."):
		at(path, "want a full name or *, got the short name %s", fieldpath.Quote(host))
	case strings.Contains(host, "*") && !strings.HasPrefix(host, "*."):
		at(path, "a wildcard replaces whole labels: want *.…, got %s", fieldpath.Quote(host))
	default:
		checkHost(at, path, host)
	}
}

// checkProtocol checks the name of a port's protocol.
func checkProtocol(at Report, path, protocol string, emptyAllowed bool) {
	known := []string{"HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS", "TLS", "TCP", "UDP", "MONGO", "REDIS", "MYSQL", "HTTP_PROXY"}
	if protocol == "" && emptyAllowed || slices.Contains(known, strings.ToUpper(protocol)) {
		return
	}
	at(path, "want one of %s, got %s", strings.Join(known, ", "), fieldpath.Quote(protocol))
}
