package overlay

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/fieldpath"
	"github.com/hopline/hopline/lab/overlay/validate"
)

// The rules in this file and in check_kubernetesgateway.go follow the CustomResourceDefinitions of the Gateway API, 1.6, experimental
// channel: schema, defaults and CEL. A test compares them with the originals.

// The patterns of the CustomResourceDefinitions.
var (
	gatewayHost     = regexp.MustCompile(`^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	gatewayKind     = regexp.MustCompile(`^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$`)
	gatewayHeader   = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+\\-.^_`|~]+$")
	gatewayValue    = regexp.MustCompile(`^[!-~]+([\t ]?[!-~]+)*$`)
	gatewayPath     = regexp.MustCompile(`^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$`)
	gatewayDuration = regexp.MustCompile(`^([0-9]{1,5}(h|m|s|ms)){1,4}$`)
)

// The bounds of the CustomResourceDefinitions.
const (
	maxParents   = 32
	maxHostnames = 16
	maxRules     = 16
	maxMatches   = 64  // of a rule
	maxAllMatch  = 128 // of a route
	maxEntries   = 16  // of conditions, filters, destinations and headers
)

// checkGatewayRoute checks the specification of an HTTPRoute with its defaults filled in.
func checkGatewayRoute(at problems, s *HTTPRouteSpec) {
	checkCount(at, "spec.parentRefs", len(s.ParentRefs), maxParents)
	checkCount(at, "spec.hostnames", len(s.Hostnames), maxHostnames)
	checkCount(at, "spec.rules", len(s.Rules), maxRules)
	if len(s.Rules) == 0 {
		at.add("spec.rules", "want at least one rule")
	}
	for i := range s.ParentRefs {
		checkParentRef(at, fmt.Sprintf("spec.parentRefs[%d]", i), &s.ParentRefs[i])
	}
	checkParents(at, s.ParentRefs)
	for i, h := range s.Hostnames {
		checkHostname(at, fmt.Sprintf("spec.hostnames[%d]", i), h, true)
	}
	names, matches := map[string]bool{}, 0
	for i := range s.Rules {
		r, path := &s.Rules[i], fmt.Sprintf("spec.rules[%d]", i)
		if r.Name != "" {
			checkSection(at, path+".name", r.Name)
			if names[r.Name] {
				at.add(path+".name", "%s appears twice", fieldpath.Quote(r.Name))
			}
			names[r.Name] = true
		}
		matches += len(r.Matches)
		checkRouteRule(at, path, r)
	}
	checkCount(at, "spec.rules", matches, maxAllMatch)
}

func checkCount(at problems, path string, n, most int) {
	if n > most {
		at.add(path, "want at most %d, got %d", most, n)
	}
}

// checkHostname checks a host name, whose first label may be a star if wildcard is set.
func checkHostname(at problems, path, host string, wildcard bool) {
	if len(host) > 253 || !gatewayHost.MatchString(host) || !wildcard && strings.HasPrefix(host, "*") {
		at.add(path, "want a host name in lower case, got %s", fieldpath.Quote(host))
	}
}

// checkSection checks the name of a listener or of a rule.
func checkSection(at problems, path, name string) {
	if len(name) > 253 || !dnsSubdomain.MatchString(name) {
		at.add(path, "want lower-case letters, digits, - and ., got %s", fieldpath.Quote(name))
	}
}

// checkRef checks the parts of a reference to an object.
func checkRef(at problems, path, group, kind, namespace, name string) {
	if group != "" && (len(group) > 253 || !dnsSubdomain.MatchString(group)) {
		at.add(path+".group", "want the group of an API, got %s", fieldpath.Quote(group))
	}
	if len(kind) > 63 || !gatewayKind.MatchString(kind) {
		at.add(path+".kind", "want the name of a kind, got %s", fieldpath.Quote(kind))
	}
	if namespace != "" && !isDNSLabel(namespace) {
		at.add(path+".namespace", "want the name of a namespace, got %s", fieldpath.Quote(namespace))
	}
	if len(name) < 1 || len(name) > 253 {
		at.add(path+".name", "want a name of 1 to 253 characters, got %s", fieldpath.Quote(name))
	}
}

func checkParentRef(at problems, path string, p *ParentRef) {
	checkRef(at, path, GroupOf(p.Group), p.Kind, p.Namespace, p.Name)
	if p.SectionName != "" {
		checkSection(at, path+".sectionName", p.SectionName)
	}
	if p.Port != 0 {
		checkPort(at, path+".port", p.Port)
	}
}

// checkParents checks that several references to one parent differ by section or port, and that all or none of them name these.
func checkParents(at problems, parents []ParentRef) {
	for i, p := range parents {
		for j, q := range parents[:i] {
			same := GroupOf(p.Group) == GroupOf(q.Group) && p.Kind == q.Kind && p.Name == q.Name && p.Namespace == q.Namespace
			switch {
			case !same:
			case (p.SectionName == "") != (q.SectionName == "") || (p.Port == 0) != (q.Port == 0):
				at.add(fmt.Sprintf("spec.parentRefs[%d]", i), "want a sectionName or port as parentRefs[%d] has, which names the same parent", j)
			case p.SectionName == q.SectionName && p.Port == q.Port:
				at.add(fmt.Sprintf("spec.parentRefs[%d]", i), "names the same parent as parentRefs[%d]: want another sectionName or port", j)
			}
		}
	}
}

func checkRouteRule(at problems, path string, r *HTTPRouteRule) {
	checkCount(at, path+".matches", len(r.Matches), maxMatches)
	checkCount(at, path+".backendRefs", len(r.BackendRefs), maxEntries)
	for i := range r.Matches {
		checkRouteMatch(at, fmt.Sprintf("%s.matches[%d]", path, i), &r.Matches[i])
	}
	checkFilters(at, path+".filters", r.Filters, r.Matches)
	for i := range r.BackendRefs {
		b, at1 := &r.BackendRefs[i], fmt.Sprintf("%s.backendRefs[%d]", path, i)
		checkBackendRef(at, at1, b.BackendRef)
		if *b.Weight < 0 || *b.Weight > 1_000_000 {
			at.add(at1+".weight", "want a weight from 0 to 1000000, got %d", *b.Weight)
		}
		checkFilters(at, at1+".filters", b.Filters, r.Matches)
	}
	redirect := slices.IndexFunc(r.Filters, func(f HTTPRouteFilter) bool { return f.RequestRedirect != nil })
	if redirect >= 0 && len(r.BackendRefs) > 0 {
		at.add(fmt.Sprintf("%s.filters[%d]", path, redirect), "a rule with RequestRedirect has no backendRefs")
	}
	checkTimeouts(at, path+".timeouts", r.Timeouts)
	checkRetry(at, path+".retry", r.Retry)
}

func checkRouteMatch(at problems, path string, m *HTTPRouteMatch) {
	checkPathMatch(at, path+".path", m.Path)
	checkMatches(at, path+".headers", m.Headers, true)
	checkMatches(at, path+".queryParams", m.QueryParams, false)
	methods := []string{"", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
	checkEnum(at, path+".method", m.Method, methods...)
}

// checkEnum checks that a text is one of some. An empty one among them means that the field may be absent.
func checkEnum(at problems, path, text string, of ...string) {
	if !slices.Contains(of, text) {
		of = slices.DeleteFunc(of, func(s string) bool { return s == "" })
		at.add(path, "want %s, got %s", alternatives(of), fieldpath.Quote(text))
	}
}

// alternatives joins texts: "A, B or C".
func alternatives(of []string) string {
	last := len(of) - 1
	if last == 0 {
		return of[0]
	}
	return strings.Join(of[:last], ", ") + " or " + of[last]
}

func checkPathMatch(at problems, path string, p *HTTPPathMatch) {
	checkEnum(at, path+".type", p.Type, "Exact", "PathPrefix", "RegularExpression")
	v := *p.Value
	if len(v) > 1024 {
		at.add(path+".value", "want at most 1024 characters, got %d", len(v))
	}
	if p.Type == "RegularExpression" {
		validate.Regex(at.add, path+".value", v)
		return
	}
	if !strings.HasPrefix(v, "/") {
		at.add(path+".value", "want a path that begins with /, got %s", fieldpath.Quote(v))
		return
	}
	for _, bad := range []string{"//", "/./", "/../", "%2f", "%2F", "#"} {
		if strings.Contains(v, bad) {
			at.add(path+".value", "want a path without %s, got %s", bad, fieldpath.Quote(v))
			return
		}
	}
	if strings.HasSuffix(v, "/..") || strings.HasSuffix(v, "/.") || !gatewayPath.MatchString(v) {
		at.add(path+".value", "want a path in normal form, got %s", fieldpath.Quote(v))
	}
}

// checkMatches checks the conditions on headers or on query parameters.
func checkMatches(at problems, path string, matches []HTTPMatch, header bool) {
	checkCount(at, path, len(matches), maxEntries)
	names := map[string]bool{}
	for i, m := range matches {
		path := fmt.Sprintf("%s[%d]", path, i)
		checkEnum(at, path+".type", m.Type, "Exact", "RegularExpression")
		checkHeaderName(at, path+".name", m.Name, names)
		switch most := 1024; {
		case header:
			checkGatewayValue(at, path+".value", m.Value)
		case m.Value == "" || len(m.Value) > most:
			at.add(path+".value", "want 1 to %d characters, got %s", most, fieldpath.Quote(m.Value))
		}
		if m.Type == "RegularExpression" {
			validate.Regex(at.add, path+".value", m.Value)
		}
	}
}

// checkHeaderName checks the name of a header, and that it is not among the names before it.
func checkHeaderName(at problems, path, name string, before map[string]bool) {
	switch {
	case len(name) > 256 || !gatewayHeader.MatchString(name):
		at.add(path, "want the name of a header, got %s", fieldpath.Quote(name))
	case before[name]:
		at.add(path, "%s appears twice", fieldpath.Quote(name))
	}
	before[name] = true
}

func checkGatewayValue(at problems, path, value string) {
	if len(value) > 4096 || !gatewayValue.MatchString(value) {
		at.add(path, "want visible ASCII characters with single spaces, got %s", fieldpath.Quote(value))
	}
}

func checkBackendRef(at problems, path string, b BackendRef) {
	checkRef(at, path, b.Group, b.Kind, b.Namespace, b.Name)
	if b.Port != 0 {
		checkPort(at, path+".port", b.Port)
	} else if b.Group == "" && b.Kind == "Service" {
		at.add(path+".port", "missing: a Service has several ports")
	}
}

func checkTimeouts(at problems, path string, t *HTTPRouteTimeouts) {
	if t == nil {
		return
	}
	request, ok := checkGatewayDuration(at, path+".request", t.Request)
	try, ok2 := checkGatewayDuration(at, path+".backendRequest", t.BackendRequest)
	if ok && ok2 && request != 0 && try > request {
		at.add(path+".backendRequest", "want at most the request's %s, got %s", t.Request, t.BackendRequest)
	}
}

// checkGatewayDuration checks a duration of GEP-2257, and returns it; 0 if it is absent.
func checkGatewayDuration(at problems, path, text string) (time.Duration, bool) {
	if text == "" {
		return 0, true
	}
	d, err := time.ParseDuration(text)
	if err != nil || !gatewayDuration.MatchString(text) {
		at.add(path, "want a duration like 1h, 1m, 1s or 1ms, got %s", fieldpath.Quote(text))
		return 0, false
	}
	return d, true
}

func checkRetry(at problems, path string, r *HTTPRouteRetry) {
	if r == nil {
		return
	}
	if r.Attempts != nil && *r.Attempts < 1 {
		at.add(path+".attempts", "want at least 1, got %d", *r.Attempts)
	}
	checkGatewayDuration(at, path+".backoff", r.Backoff)
	seen := map[int]bool{}
	for i, code := range r.Codes {
		switch at1 := fmt.Sprintf("%s.codes[%d]", path, i); {
		case code < 400 || code > 599:
			at.add(at1, "want a status from 400 to 599, got %d", code)
		case seen[code]:
			at.add(at1, "%d appears twice", code)
		}
		seen[code] = true
	}
}
