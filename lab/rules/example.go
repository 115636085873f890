package rules

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp/syntax"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// RequestFor returns a request for a host that meets the conditions of a match block, if its regular expressions are simple. A nil block has no
// conditions. port is empty or as in a URL, ":8080"; a port of the block replaces it.
func RequestFor(m *networking.HTTPMatchRequest, host, port string) Question {
	q := Question{Method: cmp.Or(sample(m.GetMethod()), http.MethodGet)}
	host = cmp.Or(sample(m.GetAuthority()), host)
	path := sample(m.GetUri())
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	query := []string{}
	for name, want := range m.GetQueryParams() {
		query = append(query, name+"="+sample(want))
	}
	slices.Sort(query)
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	if m.GetPort() != 0 && m.GetPort() != 80 {
		port = fmt.Sprintf(":%d", m.GetPort())
	}
	q.URL = "http://" + host + port + path
	for name, want := range m.GetHeaders() {
		q.Headers = append(q.Headers, Header{Name: name, Value: cmp.Or(sample(want), "any")})
	}
	slices.SortFunc(q.Headers, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	return q
}

// sample returns a text that a match accepts; "" for a missing match and for one that only wants presence.
func sample(m *networking.StringMatch) string {
	switch t := m.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return t.Exact
	case *networking.StringMatch_Prefix:
		return t.Prefix
	case *networking.StringMatch_Regex:
		if re, err := syntax.Parse(t.Regex, syntax.Perl); err == nil {
			return shortest(re)
		}
	}
	return ""
}

// shortest returns a short text that an expression matches. It ignores conditions on word boundaries.
func shortest(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return string(printable(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(re.Sub[0])
	case syntax.OpRepeat:
		return strings.Repeat(shortest(re.Sub[0]), re.Min)
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(shortest(sub))
		}
		return b.String()
	case syntax.OpAlternate:
		return shortest(re.Sub[0])
	}
	return ""
}

// printable returns a character of a class, given as pairs of bounds: a letter or a digit if it has one.
func printable(bounds []rune) rune {
	for _, wanted := range "a0A-_/. " {
		for i := 0; i+1 < len(bounds); i += 2 {
			if bounds[i] <= wanted && wanted <= bounds[i+1] {
				return wanted
			}
		}
	}
	for i := 0; i+1 < len(bounds); i += 2 {
		if bounds[i+1] > ' ' {
			return max(bounds[i], '!')
		}
	}
	return 'a'
}
