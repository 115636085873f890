package mesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// NotCarried lists what the lab accepts and does not carry, sorted: ports of Services and ServiceEntries, and the lines of GatewayTLS.
func (t *Table) NotCarried() []string {
	lines := t.GatewayTLS()
	for _, s := range t.compiler.services {
		for _, p := range s.ports {
			if !p.http && s.gateway == "" {
				lines = append(lines, fmt.Sprintf("%s: spec.ports[%d]: port %d is not carried: its protocol is %s, and the lab carries HTTP/1.1",
					s.object, p.index, p.number, p.protocol))
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines) // several hosts repeat a line
}

// HTTP2Ports lists the ports of HTTP/2 that the lab carries as HTTP/1.1, "HOST:PORT", sorted: those of a lenient overlay.
func (t *Table) HTTP2Ports() []string {
	var ports []string
	for _, s := range t.compiler.services {
		for _, p := range s.ports {
			if p.http && p.protocol.HTTP2() && s.gateway == "" && !t.noMesh {
				ports = append(ports, hostPort(s.host, p.number))
			}
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// GatewayTLS lists the servers of Gateways of which the lab does not carry the TLS, or nothing.
func (t *Table) GatewayTLS() []string {
	var lines []string
	for _, g := range t.compiler.overlay.Gateways {
		for i, s := range g.Spec.GetServers() {
			at := fmt.Sprintf("%s: spec.servers[%d]", g, i)
			switch mode := s.GetTls().GetMode(); {
			case notCarried(s):
				lines = append(lines, at+": "+serverText(s)+", which the lab does not carry")
			case plainHTTP(s), mode == networking.ServerTLSSettings_ISTIO_MUTUAL:
			default:
				lines = append(lines, at+".tls: requests are routed as if they had arrived without TLS; no certificate is checked")
			}
		}
	}
	return lines
}

// serverText describes a server that is not carried.
func serverText(s *networking.Server) string {
	text := fmt.Sprintf("port %d is %s", s.GetPort().GetNumber(), s.GetPort().GetProtocol())
	if s.GetTls() != nil {
		text += " with tls.mode " + s.GetTls().GetMode().String()
	}
	return text
}

// NotCarriedTo returns why the lab does not carry a request, if the requested port is of another protocol than HTTP; "" for any other.
func (t *Table) NotCarriedTo(req *Request, src *Source) string {
	if src.Gateway {
		return t.uncarriedAt(req, src)
	}
	return t.uncarriedText(strings.ToLower(withoutPort(req.Authority)), req.Port, src.Namespace)
}

// uncarriedAt returns the text for a request to a server of a gateway that is not carried; "" for any other.
func (t *Table) uncarriedAt(req *Request, src *Source) string {
	host := strings.ToLower(withoutPort(req.Authority))
	for _, g := range t.compiler.overlay.Gateways {
		if !istio.HasLabels(src.Labels, g.Spec.GetSelector()) {
			continue
		}
		for i, s := range g.Spec.GetServers() {
			has := slices.ContainsFunc(s.GetHosts(), func(h string) bool {
				_, name := istio.ServerHost(h, g.Namespace)
				return covers(name, host)
			})
			if has && notCarried(s) && istio.GatewayServicePort(int(s.GetPort().GetNumber())) == req.Port {
				return fmt.Sprintf("%s: spec.servers[%d]: %s, which the lab does not carry", g, i, serverText(s))
			}
		}
	}
	return ""
}

// uncarriedText returns the text for a request to a port that is not carried; "" for any other.
func (t *Table) uncarriedText(host string, port int, namespace string) string {
	for _, s := range t.compiler.services {
		p, ok := s.port(port)
		if !ok || p.http || !istio.VisibleFrom(s.exportTo, s.namespace, namespace) {
			continue
		}
		if slices.ContainsFunc(istio.Domains(s.host, namespace), func(d string) bool { return covers(d, host) }) {
			return s.uncarried(p, host)
		}
	}
	return ""
}

// uncarried returns why no request to a port is carried that is not routed.
func (s *service) uncarried(p servicePort, host string) string {
	return fmt.Sprintf("port %d of %s is %s (%s), which the lab does not carry: it carries HTTP/1.1", p.number, host, p.protocol, s.object)
}
