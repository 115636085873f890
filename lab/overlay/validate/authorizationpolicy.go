package validate

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	security "istio.io/api/security/v1beta1"
)

// AuthorizationPolicy applies Istio's ValidateAuthorizationPolicy.
func AuthorizationPolicy(at Report, _ Object, spec *security.AuthorizationPolicy) {
	checkSelector(at, "spec.selector.matchLabels", spec.GetSelector().GetMatchLabels())
	if spec.Action == security.AuthorizationPolicy_DENY && spec.Rules == nil {
		at("spec.rules", "missing: DENY without rules denies nothing; want a rule, {} for every request")
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

func checkSource(at Report, path string, s *security.Source) {
	if s == nil {
		at(path, "missing")
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
		at(path+".serviceAccounts", "not together with principals or namespaces")
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
				at(fmt.Sprintf("%s.%s[%d]", path, name, i), "want a trust domain, * at most at its start or end, got %s", fieldpath.Quote(v))
			}
		}
	}
}

// checkLists checks that at least one of several lists has entries, and that none of the entries is empty.
func checkLists(at Report, path string, lists map[string][]string) {
	entries := 0
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		entries += len(lists[name])
		for i, v := range lists[name] {
			if v == "" {
				at(fmt.Sprintf("%s.%s[%d]", path, name, i), "empty")
			}
		}
	}
	if entries == 0 {
		at(path, "empty, want at least one of %s", strings.Join(slices.Sorted(maps.Keys(lists)), ", "))
	}
}

// oneWildcard reports whether a value has at most one *, at its start or end.
func oneWildcard(v string) bool {
	n := strings.Count(v, "*")
	return n == 0 || n == 1 && (strings.HasPrefix(v, "*") || strings.HasSuffix(v, "*"))
}

func checkIPs(at Report, path string, blocks []string) {
	for i, b := range blocks {
		var err error
		if strings.Contains(b, "/") {
			_, err = netip.ParsePrefix(b)
		} else {
			_, err = netip.ParseAddr(b)
		}
		if err != nil {
			at(fmt.Sprintf("%s[%d]", path, i), "want an IP address or a range like 10.0.0.0/8, got %s", fieldpath.Quote(b))
		}
	}
}

func checkServiceAccounts(at Report, path string, accounts []string) {
	if len(accounts) > 16 {
		at(path, "want at most 16, got %d", len(accounts))
	}
	for i, a := range accounts {
		namespace, name, qualified := strings.Cut(a, "/")
		if strings.Contains(a, "*") || len(a) > 320 || strings.Contains(name, "/") || qualified && (namespace == "" || name == "") {
			at(fmt.Sprintf("%s[%d]", path, i), "want a service account, perhaps after namespace/, without wildcards, got %s", fieldpath.Quote(a))
		}
	}
}

func checkOperation(at Report, path string, o *security.Operation) {
	if o == nil {
		at(path, "missing")
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

func checkPorts(at Report, path string, ports []string) {
	for i, p := range ports {
		if n, err := strconv.ParseUint(p, 10, 32); err != nil || n > 65535 {
			at(fmt.Sprintf("%s[%d]", path, i), "want a port, got %s", fieldpath.Quote(p))
		}
	}
}

var pathLiteral = regexp.MustCompile(`^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$`)

// checkPaths checks path templates: {*} matches one segment, {**} any number of segments at the end.
func checkPaths(at Report, path string, paths []string) {
	for i, p := range paths {
		template := strings.Contains(p, "{*}") || strings.Contains(p, "{**}")
		ended := false
		for _, segment := range strings.Split(strings.Trim(p, "/"), "/") {
			operator := segment == "{*}" || segment == "{**}"
			if operator && ended || !operator && strings.ContainsAny(segment, "{}") || !operator && template && !pathLiteral.MatchString(segment) {
				at(fmt.Sprintf("%s[%d]", path, i), "want a path, in which {*} replaces a segment and {**} the last ones, got %s", fieldpath.Quote(p))
				break
			}
			ended = ended || segment == "{**}"
		}
	}
}

func checkCondition(at Report, path string, c *security.Condition) {
	if len(c.Values)+len(c.NotValues) == 0 {
		at(path, "want values or notValues")
	}
	for name, values := range map[string][]string{"values": c.Values, "notValues": c.NotValues} {
		for i, v := range values {
			if v == "" {
				at(fmt.Sprintf("%s.%s[%d]", path, name, i), "empty")
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
			at(path+".key", "want %s[name], got %s", attribute, fieldpath.Quote(c.Key))
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
		at(path+".key", "unknown attribute %s", fieldpath.Quote(c.Key))
	}
}
