// Package fields states which fields and values of Istio's objects the lab supports, and rejects all others by name. Package overlay has checked
// what Istio itself checks.
//
// fields.go lists the fields, check.go rejects all others, values.go rejects values that the lab does not support.
package fields

import "slices"

// Kind lists the fields of one kind of Istio object that the lab accepts, as paths below spec, without indexes and keys. All other
// fields are rejected by name.
type Kind struct {
	Name     string   // "VirtualService"
	Enforced []string // applied
	// Accepted fields are read, but have no effect in the lab. Those without an entry in Values are named at the start; see
	// NotEnforced.
	Accepted []string
	// Values has two kinds of entries. For a field above of which only some values are supported, it states the supported values. For an
	// accepted field that needs no effect, it states the reason.
	Values map[string]string
}

// All returns the lists that Check checks against, for every kind of object of Istio that the lab reads.
func All() []Kind {
	return []Kind{virtualService(), destinationRule(), gateway(), serviceEntry(), sidecar(), authorizationPolicy()}
}

// under adds a prefix to each of some fields.
func under(prefix string, fields ...string) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = prefix + "." + f
	}
	return out
}

func texts() []string { return []string{"exact", "prefix", "regex"} }

func destinationFields() []string { return []string{"host", "subset", "port", "port.number"} }

func headerFields() []string {
	return []string{"request", "request.set", "request.add", "request.remove", "response", "response.set", "response.add", "response.remove"}
}

func virtualService() Kind {
	enforced := []string{"hosts", "gateways", "exportTo", "http", "http.name", "http.match", "http.match.name", "http.match.uri", "http.match.scheme",
		"http.match.method", "http.match.authority", "http.match.headers", "http.match.withoutHeaders", "http.match.queryParams",
		"http.match.port", "http.match.sourceLabels", "http.match.sourceNamespace", "http.match.gateways", "http.match.ignoreUriCase",
		"http.route", "http.delegate", "http.delegate.name", "http.delegate.namespace", "http.route.weight", "http.route.destination", "http.route.headers",
		"http.redirect", "http.redirect.uri", "http.redirect.prefixRewrite", "http.redirect.authority", "http.redirect.scheme",
		"http.redirect.port", "http.redirect.derivePort", "http.redirect.redirectCode",
		"http.directResponse", "http.directResponse.status", "http.directResponse.body", "http.directResponse.body.string", "http.directResponse.body.bytes",
		"http.rewrite", "http.rewrite.uri", "http.rewrite.authority", "http.rewrite.uriRegexRewrite", "http.rewrite.uriRegexRewrite.match",
		"http.rewrite.uriRegexRewrite.rewrite", "http.timeout",
		"http.retries", "http.retries.attempts", "http.retries.perTryTimeout", "http.retries.retryOn", "http.retries.retryIgnorePreviousHosts", "http.retries.backoff",
		"http.fault", "http.fault.delay", "http.fault.delay.percentage", "http.fault.delay.percentage.value", "http.fault.delay.percent", "http.fault.delay.fixedDelay",
		"http.fault.abort", "http.fault.abort.percentage", "http.fault.abort.percentage.value", "http.fault.abort.httpStatus",
		"http.mirror", "http.mirrorPercentage", "http.mirrorPercentage.value", "http.mirrorPercent",
		"http.corsPolicy", "http.corsPolicy.allowOrigin", "http.corsPolicy.allowOrigins", "http.corsPolicy.allowMethods", "http.corsPolicy.allowHeaders",
		"http.corsPolicy.exposeHeaders", "http.corsPolicy.maxAge", "http.corsPolicy.allowCredentials", "http.corsPolicy.unmatchedPreflights",
		"http.mirrors", "http.mirrors.destination", "http.mirrors.percentage", "http.mirrors.percentage.value", "http.headers"}
	for _, f := range []string{"uri", "scheme", "method", "authority", "headers", "withoutHeaders", "queryParams"} {
		enforced = append(enforced, under("http.match."+f, texts()...)...)
	}
	enforced = append(enforced, under("http.corsPolicy.allowOrigins", texts()...)...)
	for _, f := range []string{"http.route.destination", "http.mirror", "http.mirrors.destination"} {
		enforced = append(enforced, under(f, destinationFields()...)...)
	}
	enforced = append(enforced, under("http.headers", headerFields()...)...)
	enforced = append(enforced, under("http.route.headers", headerFields()...)...)
	return Kind{Name: "VirtualService", Enforced: sorted(enforced),
		Accepted: []string{"http.match.statPrefix", "http.retries.retryRemoteLocalities"},
		Values: map[string]string{
			"http.redirect.redirectCode": "301, 302, 303, 307 or 308",
			"http.match.statPrefix":      "a name in Envoy's own statistics",
			"http.corsPolicy":            "of rules with a route; as in Envoy, a redirect and a directResponse ignore it",
			"http.headers":               "values without Envoy's commands between percent signs; none of the headers that frame a message",
			"http.route.headers":         "values without Envoy's commands between percent signs; none of the headers that frame a message",
			"http.match.headers":         "names of headers; claims of tokens are not supported",
		}}
}

// policyFields returns the fields of a TrafficPolicy and of its settings for a port.
func policyFields() (enforced, accepted []string) {
	enforced = []string{
		"loadBalancer", "loadBalancer.simple", "loadBalancer.consistentHash", "loadBalancer.consistentHash.httpHeaderName",
		"loadBalancer.consistentHash.httpCookie", "loadBalancer.consistentHash.httpCookie.name", "loadBalancer.consistentHash.httpCookie.path",
		"loadBalancer.consistentHash.httpCookie.ttl", "loadBalancer.consistentHash.useSourceIp", "loadBalancer.consistentHash.httpQueryParameterName",
		"connectionPool", "connectionPool.tcp", "connectionPool.tcp.maxConnections", "connectionPool.tcp.connectTimeout", "connectionPool.tcp.idleTimeout",
		"connectionPool.http", "connectionPool.http.http1MaxPendingRequests", "connectionPool.http.http2MaxRequests",
		"connectionPool.http.maxRequestsPerConnection", "connectionPool.http.maxRetries", "connectionPool.http.idleTimeout",
		"outlierDetection", "outlierDetection.splitExternalLocalOriginErrors", "outlierDetection.consecutiveLocalOriginFailures",
		"outlierDetection.consecutiveGatewayErrors", "outlierDetection.consecutive5xxErrors", "outlierDetection.interval",
		"outlierDetection.baseEjectionTime", "outlierDetection.maxEjectionPercent", "outlierDetection.minHealthPercent"}
	accepted = []string{"tls", "tls.mode", "tls.sni", "tls.subjectAltNames",
		"loadBalancer.consistentHash.minimumRingSize", "loadBalancer.consistentHash.ringHash", "loadBalancer.consistentHash.ringHash.minimumRingSize",
		"loadBalancer.consistentHash.maglev", "loadBalancer.consistentHash.maglev.tableSize",
		"connectionPool.tcp.tcpKeepalive", "connectionPool.tcp.tcpKeepalive.probes", "connectionPool.tcp.tcpKeepalive.time", "connectionPool.tcp.tcpKeepalive.interval",
		"connectionPool.http.h2UpgradePolicy", "connectionPool.http.maxConcurrentStreams",
		"connectionPool.http.http2KeepAlive", "connectionPool.http.http2KeepAlive.interval", "connectionPool.http.http2KeepAlive.timeout"}
	return enforced, accepted
}

func destinationRule() Kind {
	out := Kind{Name: "DestinationRule", Enforced: []string{"host", "exportTo", "workloadSelector", "workloadSelector.matchLabels",
		"trafficPolicy", "subsets", "subsets.name", "subsets.labels", "subsets.trafficPolicy"}, Values: map[string]string{}}
	enforced, accepted := policyFields()
	for _, at := range []string{"trafficPolicy", "subsets.trafficPolicy"} {
		port := at + ".portLevelSettings"
		out.Enforced = append(out.Enforced, port, port+".port", port+".port.number")
		for _, at := range []string{at, port} {
			out.Enforced = append(out.Enforced, under(at, enforced...)...)
			out.Accepted = append(out.Accepted, under(at, accepted...)...)
			out.Values[at+".tls.mode"] = "DISABLE or ISTIO_MUTUAL"
			out.Values[at+".loadBalancer.simple"] = "LEAST_REQUEST, ROUND_ROBIN or RANDOM"
			out.Values[at+".connectionPool.http.h2UpgradePolicy"] = "DEFAULT or DO_NOT_UPGRADE"
			out.Values[at+".connectionPool.http.maxConcurrentStreams"] = "of HTTP/2, and the lab's upstreams speak HTTP/1.1"
			out.Values[at+".connectionPool.http.http2KeepAlive"] = "of HTTP/2, and the lab's upstreams speak HTTP/1.1"
		}
	}
	out.Enforced, out.Accepted = sorted(out.Enforced), sorted(out.Accepted)
	return out
}

func gateway() Kind {
	tls := under("servers.tls", "credentialName", "credentialNames", "caCertCredentialName", "serverCertificate", "privateKey", "caCertificates", "caCrl", "tlsCertificates",
		"tlsCertificates.serverCertificate", "tlsCertificates.privateKey", "tlsCertificates.caCertificates", "subjectAltNames", "verifyCertificateSpki", "verifyCertificateHash",
		"minProtocolVersion", "maxProtocolVersion", "cipherSuites")
	return Kind{Name: "Gateway",
		Enforced: []string{"selector", "servers", "servers.hosts", "servers.port", "servers.port.number", "servers.port.protocol",
			"servers.tls", "servers.tls.mode", "servers.tls.httpsRedirect"},
		Accepted: sorted(append(tls, "servers.name", "servers.port.name")),
		Values: map[string]string{
			"servers.port.protocol": "HTTP, HTTP2, GRPC, GRPC-WEB and HTTPS; TLS is reported as not carried",
			"servers.tls.mode":      "requests are routed without TLS, and no certificate is checked; a server that passes TLS through is reported as not carried",
			"servers.name":          "a name only",
			"servers.port.name":     "a name only",
		}}
}

func serviceEntry() Kind {
	return Kind{Name: "ServiceEntry",
		Enforced: []string{"addresses", "endpoints", "endpoints.address", "endpoints.labels", "endpoints.ports", "exportTo", "hosts", "location",
			"ports", "ports.name", "ports.number", "ports.protocol", "ports.targetPort", "resolution", "workloadSelector", "workloadSelector.labels"},
		Accepted: []string{"endpoints.serviceAccount", "subjectAltNames"},
		Values: map[string]string{
			"hosts":             "not the host of a Service of the same namespace",
			"ports.protocol":    "HTTP, or none; a port of another protocol is reported as not carried",
			"resolution":        "NONE, STATIC, DNS or DNS_ROUND_ROBIN",
			"addresses":         "addresses, not ranges of them",
			"endpoints.address": "an address or a name; the name of a Service only without other endpoints",
		}}
}

func sidecar() Kind {
	return Kind{Name: "Sidecar",
		Enforced: []string{"egress", "egress.hosts", "outboundTrafficPolicy", "outboundTrafficPolicy.mode", "workloadSelector", "workloadSelector.labels"},
		Values:   map[string]string{"outboundTrafficPolicy.mode": "REGISTRY_ONLY or ALLOW_ANY; without a Sidecar that states it, REGISTRY_ONLY"}}
}

func authorizationPolicy() Kind {
	return Kind{Name: "AuthorizationPolicy",
		Enforced: sorted([]string{"action", "selector", "selector.matchLabels", "rules", "rules.from", "rules.from.source",
			"rules.from.source.principals", "rules.from.source.notPrincipals", "rules.from.source.namespaces", "rules.from.source.notNamespaces",
			"rules.from.source.serviceAccounts", "rules.from.source.notServiceAccounts", "rules.from.source.trustDomains", "rules.from.source.notTrustDomains",
			"rules.from.source.ipBlocks", "rules.from.source.notIpBlocks", "rules.from.source.remoteIpBlocks", "rules.from.source.notRemoteIpBlocks",
			"rules.to", "rules.to.operation", "rules.to.operation.hosts", "rules.to.operation.notHosts", "rules.to.operation.ports", "rules.to.operation.notPorts",
			"rules.to.operation.methods", "rules.to.operation.notMethods", "rules.to.operation.paths", "rules.to.operation.notPaths",
			"rules.when", "rules.when.key", "rules.when.values", "rules.when.notValues"}),
		Values: map[string]string{"action": "ALLOW or DENY; AUDIT decides nothing and is reported as not enforced",
			"rules.when.key":                   "source.*, remote.ip, destination.ip, destination.port, connection.sni and request.headers[NAME], but no header that proxies set",
			"rules.from.source.ipBlocks":       "in the lab all pods have the address 127.0.0.1",
			"rules.from.source.remoteIpBlocks": "as with numTrustedProxies 0: the client of a gateway is its caller",
			"rules.to.operation.paths":         "templates: those that Envoy accepts"}}
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
