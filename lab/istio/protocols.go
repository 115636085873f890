package istio

import "strings"

// Protocol is the protocol of a port in Istio's spelling, such as "GRPC-Web". Detected is the protocol of a port that states none.
type Protocol string

// Detected is the protocol of a port for which a sidecar finds out itself whether its connections are HTTP.
const Detected Protocol = "UnsupportedProtocol"

// protocols holds the names that Istio accepts, in lower case.
// (pkg/config/protocol/instance.go of Istio 1.31)
var protocols = map[string]Protocol{"tcp": "TCP", "udp": "UDP", "grpc": "GRPC", "grpc-web": "GRPC-Web", "http": "HTTP", "http_proxy": "HTTP_PROXY",
	"http2": "HTTP2", "https": "HTTPS", "tls": "TLS", "mongo": "Mongo", "redis": "Redis", "mysql": "MySQL"}

// ParseProtocol returns the protocol of a name in any letter case; Detected for an unknown name.
func ParseProtocol(name string) Protocol {
	if p, ok := protocols[strings.ToLower(name)]; ok {
		return p
	}
	return Detected
}

// ServicePortProtocol returns the protocol of a Service's TCP port: of its appProtocol or, if that is empty, of its name, "<protocol>[-<suffix>]".
// (pkg/config/kube/conversion.go of Istio 1.31, ConvertProtocol;
// https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/)
func ServicePortProtocol(number int, name, appProtocol string) Protocol {
	switch appProtocol {
	case "":
	case "kubernetes.io/h2c":
		return "HTTP2"
	case "kubernetes.io/ws":
		return "HTTP"
	case "kubernetes.io/wss":
		return "HTTPS"
	default:
		name = appProtocol
	}
	name = strings.ToLower(name)
	if strings.HasPrefix(name, "grpc-web") {
		return "GRPC-Web"
	}
	name, _, _ = strings.Cut(name, "-")
	p := ParseProtocol(name)
	if p == Detected && serverSpeaksFirst(number) {
		return "TCP"
	}
	return p
}

// serverSpeaksFirst reports whether Istio takes a port without a protocol as TCP: SMTP, DNS, MySQL and MongoDB break if a sidecar waits for
// the client's first bytes.
func serverSpeaksFirst(number int) bool {
	switch number {
	case 25, 53, 3306, 27017:
		return true
	}
	return false
}

// HTTP reports whether HTTP rules apply to the requests of a port, HTTP/2 and detected ones included.
func (p Protocol) HTTP() bool {
	switch p {
	case "HTTP", "HTTP_PROXY", Detected:
		return true
	}
	return p.HTTP2()
}

// PlainHTTP reports whether a Gateway's server of the protocol accepts HTTP without TLS. Istio routes the requests of all these protocols by the
// same rules.
func (p Protocol) PlainHTTP() bool { return p == "HTTP" || p.HTTP2() }

// HTTP2 reports whether the port is of HTTP/2.
func (p Protocol) HTTP2() bool { return p == "HTTP2" || p == "GRPC" || p == "GRPC-Web" }
