package mesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	networking "istio.io/api/networking/v1alpha3"
)

// KindFields lists the fields of one kind of Istio object that the lab accepts, as paths below spec, without indexes and keys. All other
// fields are rejected by name.
type KindFields struct {
	Kind     string
	Enforced []string // applied
	// Accepted fields are read, but have no effect in the lab. Those without an entry in Values are named at the start; see
	// Table.NotEnforced.
	Accepted []string
	// Values has two kinds of entries. For a field above of which only some values are supported, it states the supported values. For an
	// accepted field that needs no effect, it states the reason.
	Values map[string]string
}

// Fields returns the lists that Compile checks against, for every kind of object that it reads.
func Fields() []KindFields {
	return []KindFields{virtualServiceFields(), destinationRuleFields(), gatewayFields(), serviceEntryFields(), sidecarFields(), authorizationPolicyFields()}
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

func virtualServiceFields() KindFields {
	enforced := []string{"hosts", "gateways", "exportTo", "http", "http.name", "http.match", "http.match.name", "http.match.uri", "http.match.scheme",
		"http.match.method", "http.match.authority", "http.match.headers", "http.match.withoutHeaders", "http.match.queryParams",
		"http.match.port", "http.match.sourceLabels", "http.match.sourceNamespace", "http.match.gateways", "http.match.ignoreUriCase",
		"http.route", "http.route.weight", "http.route.destination", "http.route.headers",
		"http.redirect", "http.redirect.uri", "http.redirect.prefixRewrite", "http.redirect.authority", "http.redirect.scheme",
		"http.redirect.port", "http.redirect.derivePort", "http.redirect.redirectCode",
		"http.directResponse", "http.directResponse.status", "http.directResponse.body", "http.directResponse.body.string", "http.directResponse.body.bytes",
		"http.rewrite", "http.rewrite.uri", "http.rewrite.authority", "http.rewrite.uriRegexRewrite", "http.rewrite.uriRegexRewrite.match",
		"http.rewrite.uriRegexRewrite.rewrite", "http.timeout",
		"http.retries", "http.retries.attempts", "http.retries.perTryTimeout", "http.retries.retryOn", "http.retries.retryIgnorePreviousHosts", "http.retries.backoff",
		"http.fault", "http.fault.delay", "http.fault.delay.percentage", "http.fault.delay.percentage.value", "http.fault.delay.percent", "http.fault.delay.fixedDelay",
		"http.fault.abort", "http.fault.abort.percentage", "http.fault.abort.percentage.value", "http.fault.abort.httpStatus",
		"http.mirror", "http.mirrorPercentage", "http.mirrorPercentage.value", "http.mirrorPercent",
		"http.mirrors", "http.mirrors.destination", "http.mirrors.percentage", "http.mirrors.percentage.value", "http.headers"}
	for _, f := range []string{"uri", "scheme", "method", "authority", "headers", "withoutHeaders", "queryParams"} {
		enforced = append(enforced, under("http.match."+f, texts()...)...)
	}
	for _, f := range []string{"http.route.destination", "http.mirror", "http.mirrors.destination"} {
		enforced = append(enforced, under(f, destinationFields()...)...)
	}
	enforced = append(enforced, under("http.headers", headerFields()...)...)
	enforced = append(enforced, under("http.route.headers", headerFields()...)...)
	return KindFields{Kind: "VirtualService", Enforced: sorted(enforced),
		Accepted: []string{"http.match.statPrefix", "http.retries.retryRemoteLocalities"},
		Values: map[string]string{
			"http.redirect.redirectCode": "301, 302, 303, 307 or 308",
			"http.match.statPrefix":      "a name in Envoy's own statistics",
			"http.headers":               "values without Envoy's commands between percent signs; none of the headers that frame a message",
			"http.route.headers":         "values without Envoy's commands between percent signs; none of the headers that frame a message",
			"http.match.headers":         "names of headers; claims of tokens are not known",
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

func destinationRuleFields() KindFields {
	out := KindFields{Kind: "DestinationRule", Enforced: []string{"host", "exportTo", "workloadSelector", "workloadSelector.matchLabels",
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

func gatewayFields() KindFields {
	return KindFields{Kind: "Gateway",
		Enforced: []string{"selector", "servers", "servers.hosts", "servers.port", "servers.port.number", "servers.port.protocol"},
		Accepted: []string{"servers.name", "servers.port.name", "servers.tls", "servers.tls.mode"},
		Values: map[string]string{
			"servers.port.protocol": "HTTP, or HTTPS with tls.mode ISTIO_MUTUAL",
			"servers.tls.mode":      "ISTIO_MUTUAL",
			"servers.name":          "a name only",
			"servers.port.name":     "a name only",
		}}
}

func serviceEntryFields() KindFields {
	return KindFields{Kind: "ServiceEntry",
		Enforced: []string{"addresses", "endpoints", "endpoints.address", "endpoints.labels", "endpoints.ports", "exportTo", "hosts", "location",
			"ports", "ports.name", "ports.number", "ports.protocol", "ports.targetPort", "resolution", "workloadSelector", "workloadSelector.labels"},
		Accepted: []string{"endpoints.serviceAccount", "subjectAltNames"},
		Values: map[string]string{
			"hosts":             "none of a Service of the same namespace",
			"ports.protocol":    "HTTP",
			"resolution":        "NONE, STATIC, DNS or DNS_ROUND_ROBIN",
			"addresses":         "addresses, not ranges of them",
			"endpoints.address": "an address or a name; the name of a Service only alone",
		}}
}

func sidecarFields() KindFields {
	return KindFields{Kind: "Sidecar",
		Enforced: []string{"egress", "egress.hosts", "workloadSelector", "workloadSelector.labels"},
		Accepted: []string{"outboundTrafficPolicy", "outboundTrafficPolicy.mode"},
		Values: map[string]string{"outboundTrafficPolicy": "REGISTRY_ONLY always holds",
			"outboundTrafficPolicy.mode": "REGISTRY_ONLY, which in the lab always holds"}}
}

func authorizationPolicyFields() KindFields {
	return KindFields{Kind: "AuthorizationPolicy",
		Enforced: sorted([]string{"action", "selector", "selector.matchLabels", "rules", "rules.from", "rules.from.source",
			"rules.from.source.principals", "rules.from.source.notPrincipals", "rules.from.source.namespaces", "rules.from.source.notNamespaces",
			"rules.to", "rules.to.operation", "rules.to.operation.hosts", "rules.to.operation.notHosts", "rules.to.operation.ports", "rules.to.operation.notPorts",
			"rules.to.operation.methods", "rules.to.operation.notMethods", "rules.to.operation.paths", "rules.to.operation.notPaths"}),
		Values: map[string]string{"action": "ALLOW or DENY", "rules.from.source.namespaces": "with a star at an end alone",
			"rules.to.operation.paths": "paths, not templates of them"}}
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// checkFields rejects every field of an overlay's Istio objects that is on no list.
func checkFields(o *overlay.Overlay, report *overlay.Report) {
	known := map[string]map[string]bool{}
	for _, k := range Fields() {
		known[k.Kind] = map[string]bool{}
		for _, f := range slices.Concat(k.Enforced, k.Accepted) {
			known[k.Kind][f] = true
		}
	}
	checkKind(o.VirtualServices, known["VirtualService"], report)
	checkKind(o.DestinationRules, known["DestinationRule"], report)
	checkKind(o.Gateways, known["Gateway"], report)
	checkKind(o.ServiceEntries, known["ServiceEntry"], report)
	checkKind(o.Sidecars, known["Sidecar"], report)
	checkKind(o.AuthorizationPolicies, known["AuthorizationPolicy"], report)
	checkValues(o, report)
}

// NotEnforced lists the fields of Istio's objects that the overlay sets and the lab only accepts, once each: "DestinationRule
// trafficPolicy.tls". It leaves out fields that need no effect, by KindFields.Values.
func (t *Table) NotEnforced() []string {
	named := map[string]string{}
	for _, k := range Fields() {
		for _, f := range k.Accepted {
			parent := f[:max(0, strings.LastIndexByte(f, '.'))]
			if k.Values[f] == "" && !slices.Contains(k.Accepted, parent) {
				named[k.Kind+" "+f] = ""
			}
		}
	}
	set := map[string]string{}
	note := func(kind string, spec proto.Message) {
		walk(spec.ProtoReflect(), "", "", func(field, _ string) bool {
			if _, ok := named[kind+" "+field]; ok {
				set[kind+" "+field] = ""
			}
			return true
		})
	}
	o := t.compiler.overlay
	noteKind(note, o.VirtualServices)
	noteKind(note, o.DestinationRules)
	noteKind(note, o.Gateways)
	noteKind(note, o.ServiceEntries)
	noteKind(note, o.Sidecars)
	noteKind(note, o.AuthorizationPolicies)
	return sortedKeys(set)
}

func noteKind[T proto.Message](note func(kind string, spec proto.Message), objects []overlay.Istio[T]) {
	for _, x := range objects {
		note(x.Kind, x.Spec)
	}
}

func checkKind[T proto.Message](objects []overlay.Istio[T], known map[string]bool, report *overlay.Report) {
	for _, x := range objects {
		walk(x.Spec.ProtoReflect(), "", "spec", func(field, path string) bool {
			if !known[field] {
				report.Add(x.String(), path, "not supported by the lab")
				return false
			}
			return true
		})
	}
}

// walk visits all set fields of a message, with two paths: as in a list, and as in the document. It visits the fields below a field only if
// visit returns true. Durations and other well-known types have no fields below.
func walk(m protoreflect.Message, field, path string, visit func(field, path string) bool) {
	m.Range(func(d protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		field, path := join(field, d.JSONName()), join(path, d.JSONName())
		below := func(v protoreflect.Value, path string) {
			if !strings.HasPrefix(string(v.Message().Descriptor().FullName()), "google.protobuf.") {
				walk(v.Message(), field, path, visit)
			}
		}
		switch {
		case !visit(field, path):
		case d.IsMap() && d.MapValue().Message() != nil:
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				below(v, path+"."+k.String())
				return true
			})
		case d.IsMap() || d.Message() == nil:
		case d.IsList():
			for i := range v.List().Len() {
				below(v.List().Get(i), fmt.Sprintf("%s[%d]", path, i))
			}
		default:
			below(v, path)
		}
		return true
	})
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

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
	for _, c := range o.Sidecars {
		if policy := c.Spec.GetOutboundTrafficPolicy(); policy != nil && policy.GetMode() != networking.OutboundTrafficPolicy_REGISTRY_ONLY {
			report.Add(c.String(), "spec.outboundTrafficPolicy.mode", "%s is not supported by the lab: want REGISTRY_ONLY, which always holds here", policy.GetMode())
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
	switch protocol := s.GetPort().GetProtocol(); {
	case strings.EqualFold(protocol, "HTTP") && s.GetTls() == nil:
	case strings.EqualFold(protocol, "HTTPS") && s.GetTls().GetMode() == networking.ServerTLSSettings_ISTIO_MUTUAL:
	case s.GetTls() != nil && s.GetTls().GetMode() != networking.ServerTLSSettings_ISTIO_MUTUAL:
		report.Add(object, path+".tls.mode", "%s is not supported by the lab: want ISTIO_MUTUAL, which it accepts and does not enforce", s.GetTls().GetMode())
	default:
		report.Add(object, path+".port.protocol", "%s is not supported by the lab: want HTTP, or HTTPS with tls.mode ISTIO_MUTUAL", protocol)
	}
}
