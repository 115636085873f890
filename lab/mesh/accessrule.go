package mesh

import (
	"net/netip"
	"slices"
	"strings"

	security "istio.io/api/security/v1beta1"
)

// accessRule matches a request when all conditions of when, of one entry of from, and of one entry of to hold. An empty list holds for every
// request.
type accessRule struct {
	from, to [][]accessCondition
	when     []accessCondition
}

// accessCondition holds for a request whose attribute is in some (anything if some is empty) and not in others.
type accessCondition struct {
	of      attribute
	header  headerMatch // with ofHeader: the header, without its own match
	in, not []valueMatch
}

// attribute is a part of a request, of its connection or of its caller that policies check.
type attribute uint8

const (
	ofPrincipal attribute = iota
	ofNamespace
	ofTrustDomain
	ofSourceIP
	ofRemoteIP
	ofHeader
	ofHost
	ofMethod
	ofPath
	ofPort
	ofDestinationIP
	ofServerName
)

// conditionOf adds a condition to a list, unless neither list of values has one.
func conditionOf(list []accessCondition, of attribute, in, not []valueMatch) []accessCondition {
	if len(in)+len(not) == 0 {
		return list
	}
	return append(list, accessCondition{of: of, in: in, not: not})
}

// newAccessRule compiles a rule of a policy in a namespace.
func newAccessRule(namespace string, r *security.Rule) accessRule {
	var out accessRule
	for _, f := range r.GetFrom() {
		out.from = append(out.from, newSourceConditions(namespace, f.GetSource()))
	}
	for _, t := range r.GetTo() {
		out.to = append(out.to, newOperationConditions(t.GetOperation()))
	}
	for _, c := range r.GetWhen() {
		out.when = append(out.when, newWhen(namespace, c))
	}
	return out
}

func newSourceConditions(namespace string, s *security.Source) (all []accessCondition) {
	all = conditionOf(all, ofPrincipal, newValueMatches(s.GetPrincipals(), false), newValueMatches(s.GetNotPrincipals(), false))
	all = conditionOf(all, ofNamespace, newNamespaces(s.GetNamespaces()), newNamespaces(s.GetNotNamespaces()))
	all = conditionOf(all, ofPrincipal, newServiceAccounts(s.GetServiceAccounts(), namespace), newServiceAccounts(s.GetNotServiceAccounts(), namespace))
	all = conditionOf(all, ofTrustDomain, newValueMatches(s.GetTrustDomains(), false), newValueMatches(s.GetNotTrustDomains(), false))
	all = conditionOf(all, ofSourceIP, newBlocks(s.GetIpBlocks()), newBlocks(s.GetNotIpBlocks()))
	return conditionOf(all, ofRemoteIP, newBlocks(s.GetRemoteIpBlocks()), newBlocks(s.GetNotRemoteIpBlocks()))
}

func newOperationConditions(o *security.Operation) (all []accessCondition) {
	all = conditionOf(all, ofHost, newValueMatches(o.GetHosts(), true), newValueMatches(o.GetNotHosts(), true))
	all = conditionOf(all, ofMethod, newValueMatches(o.GetMethods(), false), newValueMatches(o.GetNotMethods(), false))
	all = conditionOf(all, ofPath, newPaths(o.GetPaths()), newPaths(o.GetNotPaths()))
	return conditionOf(all, ofPort, newPorts(o.GetPorts()), newPorts(o.GetNotPorts()))
}

// newWhen compiles an entry of when. checkWhen has rejected all other keys.
// (https://istio.io/latest/docs/reference/config/security/conditions/)
func newWhen(namespace string, c *security.Condition) accessCondition {
	of, compile := ofHeader, newHeaderValues
	switch c.GetKey() {
	case "source.principal":
		of, compile = ofPrincipal, newTexts
	case "source.namespace":
		of, compile = ofNamespace, newNamespaces
	case "source.serviceAccount":
		of, compile = ofPrincipal, func(values []string) []valueMatch { return newServiceAccounts(values, namespace) }
	case "source.trustDomain":
		of, compile = ofTrustDomain, newTexts
	case "source.ip":
		of, compile = ofSourceIP, newBlocks
	case "remote.ip":
		of, compile = ofRemoteIP, newBlocks
	case "destination.ip":
		of, compile = ofDestinationIP, newBlocks
	case "destination.port":
		of, compile = ofPort, newPorts
	case "connection.sni":
		of, compile = ofServerName, newTexts
	}
	out := accessCondition{of: of, in: compile(c.GetValues()), not: compile(c.GetNotValues())}
	if of == ofHeader {
		out.header, _ = newHeaderMatch(headerOfKey(c.GetKey()), nil, false) // without a match there is no error
	}
	return out
}

func newTexts(values []string) []valueMatch { return newValueMatches(values, false) }

// headerOfKey returns the header in a key "request.headers[name]"; empty for another key.
func headerOfKey(key string) string {
	name, ok := strings.CutPrefix(key, "request.headers[")
	if !ok {
		return ""
	}
	return strings.TrimSuffix(name, "]")
}

// access holds the parts of a request that policies check.
type access struct {
	req                               *Request
	path                              string
	identified                        bool
	principal, namespace, trustDomain string
	port                              int
	gateway                           bool
	tls                               serverTLS // of the connection
}

// newAccess returns what the proxy of to sees of a request. The caller is nil, or without a principal, if it is not authenticated.
func newAccess(from, to *Source, req *Request) access {
	path, _ := splitPath(req.Path)
	a := access{req: req, path: path, port: req.Port, gateway: to.Gateway}
	if from != nil && from.Principal != "" {
		a.identified, a.principal = true, from.Principal
		a.namespace, a.trustDomain = principalNamespace(from.Principal), principalTrustDomain(from.Principal)
		a.tls = mutualTLS
	}
	return a
}

// principalNamespace returns the namespace in "trust.domain/ns/<namespace>/sa/<account>".
func principalNamespace(principal string) string {
	_, rest, _ := strings.Cut(principal, "/ns/")
	namespace, _, _ := strings.Cut(rest, "/")
	return namespace
}

// principalTrustDomain returns the trust domain in "trust.domain/ns/<namespace>/sa/<account>".
func principalTrustDomain(principal string) string {
	domain, _, _ := strings.Cut(principal, "/")
	return domain
}

// matches reports whether the rule matches a request.
func (r *accessRule) matches(a *access) bool {
	return allHold(r.when, a) && anyHolds(r.from, a) && anyHolds(r.to, a)
}

func anyHolds(lists [][]accessCondition, a *access) bool {
	return len(lists) == 0 || slices.ContainsFunc(lists, func(all []accessCondition) bool { return allHold(all, a) })
}

func allHold(all []accessCondition, a *access) bool {
	for i := range all {
		if !all[i].holds(a) {
			return false
		}
	}
	return true
}

// holds reports whether the condition holds. An absent value, such as the principal of a caller without identity, matches no list.
func (c *accessCondition) holds(a *access) bool {
	return (len(c.in) == 0 || c.among(c.in, a)) && !c.among(c.not, a)
}

func (c *accessCondition) among(list []valueMatch, a *access) bool {
	for i := range list {
		if c.matches(&list[i], a) {
			return true
		}
	}
	return false
}

// matches reports whether one match accepts the condition's attribute of a request.
func (c *accessCondition) matches(m *valueMatch, a *access) bool {
	switch c.of {
	case ofPrincipal:
		return a.identified && m.matches(a.principal)
	case ofNamespace:
		if m.kind == valueRegex {
			return a.identified && m.matches(a.principal)
		}
		return a.identified && m.matches(a.namespace)
	case ofTrustDomain:
		return a.identified && m.matches(a.trustDomain)
	case ofSourceIP:
		return m.block.Contains(a.sourceIP())
	case ofRemoteIP:
		return m.block.Contains(a.remoteIP())
	case ofDestinationIP:
		return m.block.Contains(podIP)
	case ofHost:
		return m.matches(a.req.Authority)
	case ofMethod:
		return m.matches(a.req.Method)
	case ofPath:
		return m.matches(a.path)
	case ofPort:
		return m.port == a.port
	case ofServerName:
		return m.matches(a.serverName())
	}
	return c.matchesHeader(m, a)
}

// matchesHeader reports whether one of the header's values is accepted. If a header is repeated, one value is enough.
func (c *accessCondition) matchesHeader(m *valueMatch, a *access) bool {
	if c.header.of != OfHeader {
		return m.matches(c.header.part(a.req))
	}
	for _, value := range c.header.values(a.req) {
		if m.matches(value) {
			return true
		}
	}
	return false
}

// podIP is the address of every pod and gateway of the lab.
var podIP = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// sourceIP returns the address of the caller's end of the connection.
func (a *access) sourceIP() netip.Addr {
	if a.gateway {
		if peer, err := netip.ParseAddr(a.req.Peer); err == nil {
			return peer
		}
	}
	return podIP
}

// remoteIP returns the address of the client. A gateway trusts no X-Forwarded-For, by numTrustedProxies 0: its client is its caller. A
// sidecar trusts the last address of X-Forwarded-For, which the gateway before it has added.
// (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-for, use_remote_address)
func (a *access) remoteIP() netip.Addr {
	if values := a.req.Header["X-Forwarded-For"]; !a.gateway && len(values) > 0 {
		all := values[len(values)-1]
		if last, err := netip.ParseAddr(strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])); err == nil {
			return last
		}
	}
	return a.sourceIP()
}

// serverName returns the name that the caller sends in the TLS handshake (SNI): between proxies of the mesh the name of the cluster,
// elsewhere the host. It is empty without TLS.
// (pilot/pkg/model/push_context.go of Istio 1.31, BuildDNSSrvSubsetKey)
func (a *access) serverName() string {
	switch a.tls {
	case mutualTLS:
		return strings.ReplaceAll(a.req.Cluster, "|", "_.")
	case simpleTLS:
		return withoutPort(a.req.Authority)
	}
	return ""
}

// setByProxies reports whether the proxies of the mesh set a header of requests themselves. Its value is known only when the request arrives.
func setByProxies(header string) bool {
	header = strings.ToLower(header)
	return strings.HasPrefix(header, "x-envoy-") || strings.HasPrefix(header, "x-b3-") || strings.HasPrefix(header, "x-forwarded-") ||
		slices.Contains([]string{"b3", "traceparent", "tracestate", "x-request-id"}, header)
}
