package explain

import (
	"maps"
	"net/http"
	"regexp/syntax"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// Example returns a question about a request that a rule matches. It tries requests that are made of the rule's first match, from every
// sender of the overlay, and prefers one that is routed. ok is false if it finds none: the rule may match none, or only requests that the
// match does not show.
func Example(of *rules.Rules, object, name string) (q *rules.Question, ok bool) {
	all := of.Table.Rules()
	i := slices.IndexFunc(all, func(r mesh.Rule) bool { return r.Object == object && r.Name == name })
	if i < 0 {
		return nil, false
	}
	host := "*"
	if len(all[i].Hosts) > 0 { // an accepted HTTPRoute has none if other listeners have precedence for all of them
		host = all[i].Hosts[0]
	}
	for _, match := range append(slices.Clone(all[i].HTTP.GetMatch()), nil) {
		q = exampleOf(host, match)
		for _, from := range senders(of) {
			q.From = from
			a, err := of.Ask(q)
			if err != nil || a.Taken == nil || a.Taken.Object != object || !strings.HasPrefix(a.Taken.Place, all[i].Place) {
				continue
			}
			if a.Status() == 0 {
				return q, true
			}
		}
	}
	return nil, false
}

// senders names the senders of requests: "" for the ingress gateway, then the Deployments.
func senders(of *rules.Rules) []string {
	names := []string{""}
	for _, d := range of.Overlay.Deployments {
		names = append(names, d.Namespace+"/"+d.Name)
	}
	return names
}

// exampleOf returns a request for a host that meets a match; nil matches every request.
func exampleOf(host string, m *networking.HTTPMatchRequest) *rules.Question {
	if host == "*" {
		host = "localhost"
	}
	q := &rules.Question{Method: http.MethodGet}
	path := textOf(m.GetUri(), "/")
	if !strings.HasPrefix(path, "/") {
		path = "/"
	}
	q.URL = "http://" + strings.Replace(host, "*", "a", 1) + path
	for _, header := range slices.Sorted(maps.Keys(m.GetHeaders())) {
		q.Headers = append(q.Headers, rules.Header{Name: header, Value: textOf(m.GetHeaders()[header], "1")})
	}
	if m.GetMethod() != nil {
		q.Method = textOf(m.GetMethod(), http.MethodGet)
	}
	if m.GetAuthority() != nil {
		q.Headers = append(q.Headers, rules.Header{Name: "Host", Value: textOf(m.GetAuthority(), host)})
	}
	return q
}

// textOf returns a text that a match accepts; any for a match without a text, and for an expression without a literal beginning.
func textOf(m *networking.StringMatch, any string) string {
	switch t := m.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return t.Exact
	case *networking.StringMatch_Prefix:
		return t.Prefix
	case *networking.StringMatch_Regex:
		if re, err := syntax.Parse(t.Regex, syntax.Perl); err == nil && re.Op == syntax.OpLiteral {
			return string(re.Rune)
		}
	}
	return any
}
