package mesh

import (
	"fmt"
	"maps"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	networking "istio.io/api/networking/v1alpha3"
)

// textKind is the kind of comparison of a textMatch.
type textKind uint8

const (
	matchPresent textKind = iota
	matchExact
	matchPrefix
	matchRegex
	matchSegments // of a path: a prefix that ends with a segment
)

// textMatch holds Istio's StringMatch. A regular expression uses RE2 and must match the whole value. A lone "*", or a match without a type,
// means that the value is present.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#StringMatch)
type textMatch struct {
	kind  textKind
	text  string
	regex *regexp.Regexp
}

func newTextMatch(m *networking.StringMatch) (textMatch, error) {
	switch t := m.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return textMatch{kind: matchExact, text: t.Exact}, nil
	case *networking.StringMatch_Prefix:
		return textMatch{kind: matchPrefix, text: t.Prefix}, nil
	case *networking.StringMatch_Regex:
		if t.Regex == "*" {
			return textMatch{kind: matchPresent}, nil
		}
		re, err := istio.WholeRegex(t.Regex)
		return textMatch{kind: matchRegex, text: t.Regex, regex: re}, err
	}
	return textMatch{kind: matchPresent}, nil
}

func (m textMatch) matches(value string) bool {
	switch m.kind {
	case matchExact:
		return value == m.text
	case matchPrefix:
		return strings.HasPrefix(value, m.text)
	case matchRegex:
		return m.regex.MatchString(value)
	case matchSegments:
		rest, ok := strings.CutPrefix(value, m.text)
		return ok && (rest == "" || rest[0] == '/')
	default:
		return true
	}
}

func (m textMatch) String() string {
	switch m.kind {
	case matchExact:
		return fmt.Sprintf("exactly %q", m.text)
	case matchPrefix:
		return fmt.Sprintf("prefix %q", m.text)
	case matchRegex:
		return fmt.Sprintf("regex %q", m.text)
	case matchSegments:
		return fmt.Sprintf("path %q or below", m.text)
	default:
		return "present"
	}
}

// bySegments lets a prefix match whole segments of a path: "/a" matches "/a" and "/a/b", and not "/ab".
// (https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto, path_separated_prefix)
func (m *textMatch) bySegments() {
	if m.kind == matchPrefix && m.text != "/" {
		m.kind, m.text = matchSegments, strings.TrimSuffix(m.text, "/")
	}
}

// isPrefix reports whether a match is on a prefix, of characters or of segments.
func (m textMatch) isPrefix() bool { return m.kind == matchPrefix || m.kind == matchSegments }

// pathMatch matches a path without its query. It ignores letter case if configured, but never for a regex.
type pathMatch struct {
	textMatch
	fold bool
}

func (m *pathMatch) matches(path string) bool {
	switch {
	case !m.fold || m.kind == matchRegex:
		return m.textMatch.matches(path)
	case m.kind == matchExact:
		return equalFold(path, m.text)
	default:
		return len(path) >= len(m.text) && equalFold(path[:len(m.text)], m.text)
	}
}

// equalFold ignores the case of ASCII letters only, as Envoy does.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// headerMatch holds a condition on one header. If a header is repeated, one matching value is enough. With withoutHeaders no value may
// match, and an absent header counts as empty.
// (https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-headermatcher)
type headerMatch struct {
	name  string // as written
	key   string // in the canonical form of net/http
	of    Part   // OfHeader, or the part of the request line that the name represents, as in HTTP/2
	match textMatch
	not   bool // withoutHeaders
}

func newHeaderMatch(name string, m *networking.StringMatch, not bool) (headerMatch, error) {
	text, err := newTextMatch(m)
	h := headerMatch{name: name, key: textproto.CanonicalMIMEHeaderKey(name), of: OfHeader, match: text, not: not}
	switch strings.ToLower(name) {
	case ":method":
		h.of = OfMethod
	case ":authority", "host":
		h.of = OfAuthority
	case ":scheme":
		h.of = OfScheme
	case ":path":
		h.of = OfTarget
	}
	return h, err
}

// joinedHeaders holds the headers, in the canonical form of net/http, whose repetitions Envoy joins into one value: its inline headers.
// (Envoy, envoy/http/header_map.h, INLINE_REQ_STRING_HEADERS, and the extensions' custom inline headers)
var joinedHeaders = headerSet("accept", "accept-encoding", "access-control-request-headers", "access-control-request-method", "authorization",
	"cache-control", "content-encoding", "content-type", "grpc-accept-encoding", "grpc-timeout", "if-match", "if-modified-since", "if-none-match",
	"if-range", "if-unmodified-since", "origin", "pragma", "referer", "user-agent", "via", "x-client-trace-id", "x-forwarded-for",
	"x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-request-id")

func headerSet(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[textproto.CanonicalMIMEHeaderKey(name)] = true
	}
	return set
}

// JoinedValues returns the values of a header of a request as Envoy has them: it joins the repetitions of some headers with commas, without
// the empty ones. key is in the canonical form of net/http.
func JoinedValues(key string, values []string) []string {
	if len(values) < 2 || !joinedHeaders[key] {
		return values
	}
	return []string{strings.Join(slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" }), ",")}
}

// part returns the part of the request line for a pseudo-header.
func (h *headerMatch) part(req *Request) string {
	switch h.of {
	case OfMethod:
		return req.Method
	case OfAuthority:
		return req.Authority
	case OfScheme:
		return req.Scheme
	default:
		return req.Path
	}
}

// values returns the values of a real header, in the form in which they are compared.
func (h *headerMatch) values(req *Request) []string {
	return JoinedValues(h.key, req.Header[h.key])
}

func (h *headerMatch) matches(req *Request) bool {
	found, there := false, true
	if h.of != OfHeader {
		found = h.match.matches(h.part(req))
	} else {
		values := h.values(req)
		there = len(values) > 0
		for _, v := range values {
			found = found || h.match.matches(v)
		}
	}
	if !h.not {
		return found
	}
	if !there && h.match.kind != matchPresent {
		return !h.match.matches("")
	}
	return !found
}

// inWords describes the header of a request as text: its value, or that it is absent.
func (h *headerMatch) inWords(req *Request) string {
	if h.of != OfHeader {
		return strconv.Quote(h.part(req))
	}
	values := h.values(req)
	if len(values) == 0 {
		return "none"
	}
	return strconv.Quote(strings.Join(values, ", "))
}

func (h *headerMatch) String() string {
	what := "header " + h.name
	switch h.name {
	case ":method", ":authority", ":scheme":
		what = h.name[1:]
	}
	if h.not {
		return what + " not " + h.match.String()
	}
	return what + " " + h.match.String()
}

// queryMatch holds a condition on the first query parameter with a name. Neither names nor values are unescaped.
type queryMatch struct {
	name  string
	match textMatch
}

func (q *queryMatch) matches(query string) bool {
	value, ok := queryParameter(query, q.name)
	return ok && q.match.matches(value)
}

func (q *queryMatch) String() string { return "query parameter " + q.name + " " + q.match.String() }

// queryParameter returns the first value that a query has for a name.
func queryParameter(query, name string) (string, bool) {
	for query != "" {
		var one string
		one, query, _ = strings.Cut(query, "&")
		if key, value, _ := strings.Cut(one, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// matcher holds all conditions of one match block on a request. Conditions on the source and the port are checked when the table is
// compiled.
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest)
type matcher struct {
	path    pathMatch
	headers []headerMatch // includes those of method, authority and scheme
	query   []queryMatch
}

// anyPath returns the match of a rule without a condition on the path.
func anyPath() pathMatch { return pathMatch{textMatch: textMatch{kind: matchPrefix, text: "/"}} }

// newMatcher compiles a match block; a nil block matches every request.
func newMatcher(m *networking.HTTPMatchRequest) (matcher, error) {
	out := matcher{path: anyPath()}
	if m == nil {
		return out, nil
	}
	if m.GetUri().GetMatchType() != nil {
		text, err := newTextMatch(m.Uri)
		if err != nil {
			return out, fmt.Errorf("uri: %w", err)
		}
		out.path.textMatch = text
	}
	out.path.fold = m.IgnoreUriCase
	add := func(field, name string, s *networking.StringMatch, not bool) error {
		h, err := newHeaderMatch(name, s, not)
		if err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		out.headers = append(out.headers, h)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		if err := add("headers."+name, name, m.Headers[name], false); err != nil {
			return out, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.WithoutHeaders)) {
		if err := add("withoutHeaders."+name, name, m.WithoutHeaders[name], true); err != nil {
			return out, err
		}
	}
	for _, p := range []struct {
		field string
		match *networking.StringMatch
	}{{"method", m.Method}, {"authority", m.Authority}, {"scheme", m.Scheme}} {
		if p.match != nil {
			if err := add(p.field, ":"+p.field, p.match, false); err != nil {
				return out, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.QueryParams)) {
		text, err := newTextMatch(m.QueryParams[name])
		if err != nil {
			return out, fmt.Errorf("queryParams.%s: %w", name, err)
		}
		out.query = append(out.query, queryMatch{name: name, match: text})
	}
	return out, nil
}

// matches reports whether the matcher matches a request. Its path and query are passed separately.
func (m *matcher) matches(req *Request, path, query string) bool {
	if !m.path.matches(path) {
		return false
	}
	for i := range m.headers {
		if !m.headers[i].matches(req) {
			return false
		}
	}
	for i := range m.query {
		if !m.query[i].matches(query) {
			return false
		}
	}
	return true
}

// catchAll reports whether the matcher matches every request, by the definition that Istio uses to sort and cut rules.
func (m *matcher) catchAll() bool {
	anyPath := m.path.kind == matchPrefix && m.path.text == "/" || m.path.kind == matchRegex && m.path.text == ".*"
	return anyPath && len(m.headers) == 0 && len(m.query) == 0
}

// String returns the match in words: `uri prefix "/hops", header x-dev-user exactly "betaUser"`; "every request" without a condition.
func (m *matcher) String() string {
	var parts []string
	if m.path.kind != matchPrefix || m.path.text != "/" {
		s := "uri " + m.path.String()
		if m.path.kind == matchSegments {
			s = m.path.String()
		}
		if m.path.fold {
			s += " ignoring case"
		}
		parts = append(parts, s)
	}
	for i := range m.headers {
		parts = append(parts, m.headers[i].String())
	}
	for i := range m.query {
		parts = append(parts, m.query[i].String())
	}
	if parts == nil {
		return "every request"
	}
	return strings.Join(parts, ", ")
}

// why returns the first mismatch of a request; it is empty if the request matches.
func (m *matcher) why(req *Request, path, query string) string {
	if !m.path.matches(path) {
		if m.path.kind == matchSegments {
			return fmt.Sprintf("want the %s, got %q", m.path, path)
		}
		return fmt.Sprintf("want uri %s, got the path %q", m.path, path)
	}
	for i := range m.headers {
		if h := &m.headers[i]; !h.matches(req) {
			return fmt.Sprintf("want %s, got %s", h, h.inWords(req))
		}
	}
	for i := range m.query {
		q := &m.query[i]
		if q.matches(query) {
			continue
		}
		value, ok := queryParameter(query, q.name)
		if !ok {
			return fmt.Sprintf("want %s, got none", q)
		}
		return fmt.Sprintf("want %s, got %q", q, value)
	}
	return ""
}

// splitPath splits a request's path from its query. A fragment is part of neither.
func splitPath(pathAndQuery string) (path, query string) {
	pathAndQuery, _, _ = strings.Cut(pathAndQuery, "#")
	path, query, _ = strings.Cut(pathAndQuery, "?")
	return path, query
}
