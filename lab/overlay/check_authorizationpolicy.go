package overlay

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	security "istio.io/api/security/v1beta1"
)

// checkAuthorizationPolicy applies Istio's ValidateAuthorizationPolicy.
func checkAuthorizationPolicy(at problems, _ Meta, spec *security.AuthorizationPolicy) {
	checkSelector(at, "spec.selector.matchLabels", spec.GetSelector().GetMatchLabels())
	if spec.Action == security.AuthorizationPolicy_DENY && spec.Rules == nil {
		at.add("spec.rules", "missing: DENY without rules denies nothing; want a rule, {} for every request")
	}
	for i, r := range spec.Rules {
		path := fmt.Sprintf("spec.rules[%d]", i)
		for j, f := range r.From {
			checkSource(at, fmt.Sprintf("%s.from[%d].source", path, j), f.Source)
		}
		for j, t := range r.To {
			checkOperation(at, fmt.Sprintf("%s.to[%d].operation", path, j), t.Operation)
		}
		for j, c := range r.When {
			checkCondition(at, fmt.Sprintf("%s.when[%d]", path, j), c)
		}
	}
}

func checkSource(at problems, path string, s *security.Source) {
	if s == nil {
		at.add(path, "missing")
		return
	}
	lists := map[string][]string{
		"principals": s.Principals, "notPrincipals": s.NotPrincipals,
		"requestPrincipals": s.RequestPrincipals, "notRequestPrincipals": s.NotRequestPrincipals,
		"namespaces": s.Namespaces, "notNamespaces": s.NotNamespaces,
		"serviceAccounts": s.ServiceAccounts, "notServiceAccounts": s.NotServiceAccounts,
		"trustDomains": s.TrustDomains, "notTrustDomains": s.NotTrustDomains,
		"ipBlocks": s.IpBlocks, "notIpBlocks": s.NotIpBlocks,
		"remoteIpBlocks": s.RemoteIpBlocks, "notRemoteIpBlocks": s.NotRemoteIpBlocks,
	}
	checkLists(at, path, lists)
	if len(s.Principals)+len(s.NotPrincipals)+len(s.Namespaces)+len(s.NotNamespaces) > 0 && len(s.ServiceAccounts)+len(s.NotServiceAccounts) > 0 {
		at.add(path+".serviceAccounts", "not together with principals or namespaces")
	}
	for _, name := range []string{"ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"} {
		checkIPs(at, path+"."+name, lists[name])
	}
	for _, name := range []string{"serviceAccounts", "notServiceAccounts"} {
		checkServiceAccounts(at, path+"."+name, lists[name])
	}
	for _, name := range []string{"trustDomains", "notTrustDomains"} {
		for i, v := range lists[name] {
			if !oneWildcard(v) || strings.Contains(v, "/") {
				at.add(fmt.Sprintf("%s.%s[%d]", path, name, i), "want a trust domain, * at most at its start or end, got %s", quote(v))
			}
		}
	}
}

// checkLists checks that at least one of several lists has entries, and that none of the entries is empty.
func checkLists(at problems, path string, lists map[string][]string) {
	entries := 0
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		entries += len(lists[name])
		for i, v := range lists[name] {
			if v == "" {
				at.add(fmt.Sprintf("%s.%s[%d]", path, name, i), "empty")
			}
		}
	}
	if entries == 0 {
		at.add(path, "empty, want at least one of %s", strings.Join(slices.Sorted(maps.Keys(lists)), ", "))
	}
}

// oneWildcard reports whether a value has at most one *, at its start or end.
func oneWildcard(v string) bool {
	n := strings.Count(v, "*")
	return n == 0 || n == 1 && (strings.HasPrefix(v, "*") || strings.HasSuffix(v, "*"))
}

func checkIPs(at problems, path string, blocks []string) {
	for i, b := range blocks {
		var err error
		if strings.Contains(b, "/") {
			_, err = netip.ParsePrefix(b)
		} else {
			_, err = netip.ParseAddr(b)
		}
		if err != nil {
			at.add(fmt.Sprintf("%s[%d]", path, i), "want an IP address or a range like 10.0.0.0/8, got %s", quote(b))
		}
	}
}

func checkServiceAccounts(at problems, path string, accounts []string) {
	if len(accounts) > 16 {
		at.add(path, "want at most 16, got %d", len(accounts))
	}
	for i, a := range accounts {
		namespace, name, qualified := strings.Cut(a, "/")
		if strings.Contains(a, "*") || len(a) > 320 || strings.Contains(name, "/") || qualified && (namespace == "" || name == "") {
			at.add(fmt.Sprintf("%s[%d]", path, i), "want a service account, perhaps after namespace/, without wildcards, got %s", quote(a))
		}
	}
}

func checkOperation(at problems, path string, o *security.Operation) {
	if o == nil {
		at.add(path, "missing")
		return
	}
	checkLists(at, path, map[string][]string{
		"hosts": o.Hosts, "notHosts": o.NotHosts, "ports": o.Ports, "notPorts": o.NotPorts,
		"methods": o.Methods, "notMethods": o.NotMethods, "paths": o.Paths, "notPaths": o.NotPaths,
	})
	checkPorts(at, path+".ports", o.Ports)
	checkPorts(at, path+".notPorts", o.NotPorts)
	checkPaths(at, path+".paths", o.Paths)
	checkPaths(at, path+".notPaths", o.NotPaths)
}

func checkPorts(at problems, path string, ports []string) {
	for i, p := range ports {
		if n, err := strconv.ParseUint(p, 10, 32); err != nil || n > 65535 {
			at.add(fmt.Sprintf("%s[%d]", path, i), "want a port, got %s", quote(p))
		}
	}
}

var pathLiteral = regexp.MustCompile(`^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$`)

// checkPaths checks path templates: {*} matches one segment, {**} any number of segments at the end.
func checkPaths(at problems, path string, paths []string) {
	for i, p := range paths {
		template := strings.Contains(p, "{*}") || strings.Contains(p, "{**}")
		ended := false
		for _, segment := range strings.Split(strings.Trim(p, "/"), "/") {
			operator := segment == "{*}" || segment == "{**}"
			if operator && ended || !operator && strings.ContainsAny(segment, "{}") || !operator && template && !pathLiteral.MatchString(segment) {
				at.add(fmt.Sprintf("%s[%d]", path, i), "want a path, in which {*} and at the end {**} may stand for segments, got %s", quote(p))
				break
			}
			ended = ended || segment == "{**}"
		}
	}
}

func checkCondition(at problems, path string, c *security.Condition) {
	if len(c.Values)+len(c.NotValues) == 0 {
		at.add(path, "want values or notValues")
	}
	for name, values := range map[string][]string{"values": c.Values, "notValues": c.NotValues} {
		for i, v := range values {
			if v == "" {
				at.add(fmt.Sprintf("%s.%s[%d]", path, name, i), "empty")
			}
		}
	}
	attribute, _, keyed := strings.Cut(c.Key, "[")
	if strings.HasPrefix(attribute, "experimental.envoy.filters.") {
		attribute = "experimental.envoy.filters.*"
	}
	switch attribute {
	case "request.headers", "request.auth.claims", "experimental.envoy.filters.*":
		if !keyed || !strings.HasSuffix(c.Key, "]") || strings.HasSuffix(c.Key, "[]") {
			at.add(path+".key", "want %s[name], got %s", attribute, quote(c.Key))
		}
	case "source.ip", "remote.ip", "destination.ip":
		checkIPs(at, path+".values", c.Values)
		checkIPs(at, path+".notValues", c.NotValues)
	case "destination.port":
		checkPorts(at, path+".values", c.Values)
		checkPorts(at, path+".notValues", c.NotValues)
	case "source.serviceAccount":
		checkServiceAccounts(at, path+".values", c.Values)
		checkServiceAccounts(at, path+".notValues", c.NotValues)
	case "source.namespace", "source.principal", "source.trustDomain", "request.auth.principal", "request.auth.audiences",
		"request.auth.presenter", "connection.sni":
	default:
		at.add(path+".key", "unknown attribute %s", quote(c.Key))
	}
}
