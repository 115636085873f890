package mesh

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	networking "istio.io/api/networking/v1alpha3"
	"pgregory.net/rapid"
)

func exactly(s string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Exact{Exact: s}}
}

func beginning(s string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: s}}
}

func like(s string) *networking.StringMatch {
	return &networking.StringMatch{MatchType: &networking.StringMatch_Regex{Regex: s}}
}

// drawText draws a match from a few texts that often match.
func drawText(t *rapid.T, texts ...string) *networking.StringMatch {
	text := rapid.SampledFrom(texts).Draw(t, "text")
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return beginning(text)
	case 1:
		return like(text + ".*")
	case 2:
		return &networking.StringMatch{}
	}
	return exactly(text)
}

func drawMatch(t *rapid.T) *networking.HTTPMatchRequest {
	m := &networking.HTTPMatchRequest{Headers: map[string]*networking.StringMatch{}, WithoutHeaders: map[string]*networking.StringMatch{},
		QueryParams: map[string]*networking.StringMatch{}}
	if rapid.Bool().Draw(t, "uri") {
		m.Uri = drawText(t, "/", "/a", "/A", "/a/", "/a/b", "/ab", "")
		m.IgnoreUriCase = rapid.Bool().Draw(t, "fold")
	}
	for _, name := range []string{"x-1", "X-2", "host", "accept"} {
		switch rapid.IntRange(0, 5).Draw(t, name) {
		case 0:
			m.Headers[name] = drawText(t, "a", "b", "ab", "a,b", "a.test")
		case 1:
			m.WithoutHeaders[name] = drawText(t, "a", "b", "ab", "a.test")
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "method") == 0 {
		m.Method = drawText(t, "GET", "PUT")
	}
	if rapid.IntRange(0, 4).Draw(t, "query") == 0 {
		m.QueryParams["q"] = drawText(t, "a", "b")
	}
	return m
}

func drawRequest(t *rapid.T) *Request {
	req := &Request{
		Method:    rapid.SampledFrom([]string{"GET", "PUT", "POST"}).Draw(t, "method"),
		Authority: rapid.SampledFrom([]string{"a.test", "b.test:80", "A.TEST"}).Draw(t, "authority"),
		Path: rapid.SampledFrom([]string{"/", "/a", "/A", "/a/", "/a/b", "/A/B/c", "/ab", "/abc", "/b"}).Draw(t, "path") +
			rapid.SampledFrom([]string{"", "?q=a", "?q", "?x=1&q=b&q=a", "?"}).Draw(t, "query"),
		Scheme: "http", Port: 80, Header: http.Header{},
	}
	for _, name := range []string{"X-1", "X-2", "Accept"} {
		if values := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab", ""}), 0, 2).Draw(t, name); len(values) > 0 {
			req.Header[name] = values
		}
	}
	return req
}

// naiveFirst checks one rule after the other.
func naiveFirst(rules []rule, req *Request) int {
	path, query := splitPath(req.Path)
	for i := range rules {
		if rules[i].match.matches(req, path, query) {
			return i
		}
	}
	return -1
}

// indexed compares the index with the naive search, and matcher.why with matcher.matches.
func indexed(t *rapid.T) {
	var rules []rule
	for _, m := range rapid.SliceOfN(rapid.Custom(drawMatch), 0, 20).Draw(t, "rules") {
		match, err := newMatcher(m)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule{match: match})
	}
	index := newIndex(rules)
	for _, req := range rapid.SliceOfN(rapid.Custom(drawRequest), 1, 10).Draw(t, "requests") {
		path, query := splitPath(req.Path)
		if got, want := index.first(rules, req, path, query), naiveFirst(rules, req); got != want {
			t.Fatalf("%s %s%s %v: the index finds rule %d, one after the other %d", req.Method, req.Authority, req.Path, req.Header, got, want)
		}
		for i := range rules {
			if m := &rules[i].match; m.matches(req, path, query) != (m.why(req, path, query) == "") {
				t.Fatalf("%s: matches is %v, why says %q", m, m.matches(req, path, query), m.why(req, path, query))
			}
		}
	}
}

func TestIndexIsTheFirstMatch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, indexed)
}

func FuzzIndex(f *testing.F) { f.Fuzz(rapid.MakeFuzz(indexed)) }

// naiveHost finds a virtual host in Envoy's order: the exact name, the longest wildcard, "*".
func naiveHost(domains []string, authority string) string {
	host, best := strings.ToLower(withoutPort(authority)), ""
	for _, d := range domains {
		d = strings.ToLower(d)
		switch {
		case d == host:
			return d
		case d == "*" || strings.HasPrefix(d, "*") && len(host) >= len(d) && strings.HasSuffix(host, d[1:]):
			if best == "" || len(d) > len(best) {
				best = d
			}
		}
	}
	return best
}

func TestHostIsTheMostSpecific(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		domains := rapid.SliceOfN(rapid.StringMatching(`\*|(\*\.)?([aAb]\.)?[ab]\.(c|C)|\*-b\.c|\[::1\]`), 0, 6).Draw(t, "domains")
		table := newPortTable()
		for _, d := range domains {
			table.add(d, newVirtualHost(strings.ToLower(d), nil, nil))
		}
		for _, authority := range rapid.SliceOfN(rapid.StringMatching(`(([aAb]|x-b|b)\.)?[abAB]\.[cC](:80)?|\[::1\](:8)?|-b\.c|\.a\.c|`), 1, 10).Draw(t, "authorities") {
			got := ""
			if v := table.find(authority); v != nil {
				got = v.name
			}
			if want := naiveHost(domains, authority); got != want {
				t.Fatalf("%q among %q: got %q, want %q", authority, domains, got, want)
			}
		}
	})
}

func TestLongHost(t *testing.T) {
	t.Parallel()
	table := newPortTable()
	long := strings.Repeat("a", 300) + ".test"
	table.add("*.test", newVirtualHost("*.test", nil, nil))
	if v := table.find(strings.ToUpper(long)); v == nil {
		t.Error("a host of 305 characters is not found by its wildcard")
	}
}

// manyRules returns a table of n rules: n hosts with one rule each, or one host with n rules that differ by path or by header.
func manyRules(t testing.TB, n int, one bool, match func(i int) string) *Table {
	var b strings.Builder
	b.WriteString(file(t, "base.yaml"))
	rule := func(i int) string {
		return fmt.Sprintf("  - {match: [%s], route: [{destination: {host: a, subset: v1}, weight: 80}, {destination: {host: a, subset: v2}, weight: 20}]}\n", match(i))
	}
	head := func(host string) {
		fmt.Fprintf(&b, "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v-%s, namespace: one}\nspec:\n  hosts: [%s]\n  http:\n", host, host)
	}
	if one {
		head("only.test")
	}
	for i := range n {
		if !one {
			head(fmt.Sprintf("host-%d.test", i))
		}
		b.WriteString(rule(i))
	}
	return compiled(t, b.String())
}

// Every decision is for the last rule.
func BenchmarkDecide(b *testing.B) {
	shapes := []struct {
		name  string
		one   bool
		match func(int) string
		req   func(int) Request
	}{
		{"hosts", false, func(i int) string { return "{headers: {x-dev-user: {exact: betaUser}}}" },
			func(i int) Request { return Request{Authority: fmt.Sprintf("host-%d.test", i), Path: "/hops"} }},
		{"paths", true, func(i int) string { return fmt.Sprintf("{uri: {exact: /path/%d}}", i) },
			func(i int) Request { return Request{Authority: "only.test", Path: fmt.Sprintf("/path/%d", i)} }},
		{"prefixes", true, func(i int) string { return fmt.Sprintf("{uri: {prefix: /path/%d/}}", i) },
			func(i int) Request { return Request{Authority: "only.test", Path: fmt.Sprintf("/path/%d/x?y=z", i)} }},
		{"headers", true, func(i int) string { return fmt.Sprintf("{uri: {prefix: /}, headers: {x-user: {exact: user-%d}}}", i) },
			func(i int) Request {
				return Request{Authority: "only.test", Path: "/hops", Header: http.Header{"X-User": {fmt.Sprintf("user-%d", i)}}}
			}},
	}
	for _, s := range shapes {
		for _, n := range []int{10, 1_000, 10_000} {
			table := manyRules(b, n, s.one, s.match)
			req := s.req(n - 1)
			req.Method, req.Scheme, req.Port = "GET", "http", 80
			if req.Header == nil {
				req.Header = http.Header{}
			}
			req.Header["X-Dev-User"] = []string{"betaUser"}
			src := Source{Namespace: "one", Labels: map[string]string{"app": "caller", "version": "v1"}}
			if d := table.Decide(&req, &src, 1); d.Outcome != Forward {
				b.Fatalf("%s %d: outcome %d", s.name, n, d.Outcome)
			}
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				b.ReportAllocs()
				var random uint64
				for b.Loop() {
					random++
					table.Decide(&req, &src, random)
				}
			})
		}
	}
}

func TestDecideAllocatesNothing(t *testing.T) {
	table := compiled(t, file(t, "corners.yaml"))
	src := Source{Namespace: "one", Labels: map[string]string{"app": "caller", "version": "v1"}}
	req := Request{Method: "GET", Authority: "Paths.test:80", Path: "/q?a=1&b=22", Scheme: "http", Port: 80, Header: http.Header{"X-Dev-User": {"a", "b"}}}
	if n := testing.AllocsPerRun(1000, func() { table.Decide(&req, &src, 1) }); n != 0 {
		t.Errorf("a decision makes %g allocations, want none", n)
	}
}
