package cases

import (
	"fmt"
	"net/http"
	"regexp/syntax"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/rules"
)

// maxCallers bounds how many callers are tried for a rule.
const maxCallers = 50

// questionsFor returns requests, one of which a rule probably matches: for each of its match blocks, from each caller that may have it.
func questionsFor(r *rules.Rules, rule *mesh.Rule) (list []rules.Question) {
	host := "example.com"
	if len(rule.Hosts) > 0 {
		host = strings.Replace(rule.Hosts[0], "*", "any", 1)
	}
	blocks := rule.HTTP.GetMatch()
	if len(blocks) == 0 {
		blocks = []*networking.HTTPMatchRequest{{}}
	}
	_, name, _ := strings.Cut(rule.Object, " ")
	namespace, _, _ := strings.Cut(name, "/")
	for _, from := range callersOf(r, rule, namespace) {
		for _, m := range blocks {
			q := requestFor(m, host, from.URL)
			q.From, q.Caller = from.From, from.Caller
			if (q.From != "" || q.Caller != nil) && !strings.Contains(host, ".") && !strings.HasPrefix(q.From, namespace+"/") {
				q.URL = strings.Replace(q.URL, "//"+host, "//"+istio.FullHost(host, namespace), 1)
			}
			list = append(list, q)
		}
	}
	return list
}

// callersOf returns the callers that may have a rule. For a gateway the URL holds the port of the request.
func callersOf(r *rules.Rules, rule *mesh.Rule, namespace string) (list []rules.Question) {
	if len(rule.At) > 0 || rule.Gateway {
		list = append(list, rules.Question{})
	}
	for _, g := range r.Table.Gateways() {
		for _, port := range r.Table.GatewayPorts(&g) {
			if slices.Contains(rule.At, g.Workload) {
				list = append(list, rules.Question{From: g.Workload, URL: fmt.Sprintf(":%d", port)})
			}
		}
	}
	for _, d := range r.Overlay.Deployments {
		if len(list) < maxCallers {
			list = append(list, rules.Question{From: d.Namespace + "/" + d.Name})
		}
	}
	slices.SortStableFunc(list, func(a, b rules.Question) int { // those of the rule's own namespace first
		return strings.Compare(rankCaller(a.From, namespace), rankCaller(b.From, namespace))
	})
	return append(list, rules.Question{Caller: &rules.Caller{Namespace: namespace}})
}

func rankCaller(from, namespace string) string {
	switch {
	case !strings.Contains(from, "/"):
		return "0"
	case strings.HasPrefix(from, namespace+"/"):
		return "1"
	}
	return "2"
}

// requestFor returns a request that meets the conditions of a match block, if its regular expressions are simple.
func requestFor(m *networking.HTTPMatchRequest, host, port string) rules.Question {
	q := rules.Question{Method: http.MethodGet}
	if text := sample(m.GetMethod()); text != "" {
		q.Method = text
	}
	if text := sample(m.GetAuthority()); text != "" {
		host = text
	}
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
		value := sample(want)
		if value == "" {
			value = "any"
		}
		q.Headers = append(q.Headers, rules.Header{Name: name, Value: value})
	}
	slices.SortFunc(q.Headers, func(a, b rules.Header) int { return strings.Compare(a.Name, b.Name) })
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
