package mesh

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Part is a part of a request that a condition checks.
type Part uint8

// The parts of a request.
const (
	OfPath      Part = iota // the path without the query
	OfMethod                //
	OfAuthority             // the Host header as sent, with its port if it has one
	OfScheme                //
	OfTarget                // path and query, the pseudo-header :path
	OfHeader                // one header
	OfQuery                 // the first query parameter of a name
	OfClient                // the address of the client, which a caller in the mesh states by X-Forwarded-For; without a pattern
)

// Condition is one condition of a rule or a policy. It holds for a text that matches Pattern; with Not for one that does not.
type Condition struct {
	Part    Part
	Name    string // of a header, in the canonical form of net/http, or of a query parameter; else empty
	Pattern string // an RE2 expression that has to match the whole text
	Not     bool
	Absent  bool // whether the condition holds where the request has no such header or query parameter
}

// Domain holds the rules that several hosts share, as they apply to one caller on one port.
type Domain struct {
	Hosts []string // in lower case; "*.test" matches every name with that end, "*" every name that no other domain of the port has
	Rules []Conditions
}

// Conditions holds the conditions of one rule; a request that meets all of them matches it. The first rule of a domain that matches is taken.
type Conditions struct {
	Route *Route
	All   []Condition
}

// Domains holds the domains of one port of a caller.
type Domains struct {
	List []Domain

	table *portTable
	index map[*virtualHost]int
}

// Of returns the index of an authority's domain in List, as Decide finds it; -1 if no domain has it, or if d is nil.
func (d *Domains) Of(authority string) int {
	if d == nil {
		return -1
	}
	if n, ok := d.index[d.table.find(authority)]; ok {
		return n
	}
	return -1
}

// Domains returns the rules that apply to the requests of a caller, by port.
func (t *Table) Domains(src *Source) map[int]*Domains {
	out := map[int]*Domains{}
	v := t.viewOf(src)
	for number, port := range v.ports {
		out[number] = newDomains(port)
	}
	if v.others != nil { // one port represents all others
		other := 1
		for out[other] != nil {
			other++
		}
		out[other] = newDomains(v.others)
	}
	return out
}

func newDomains(port *portTable) *Domains {
	d := &Domains{table: port, index: map[*virtualHost]int{}}
	for i, host := range port.hosts() {
		d.index[host] = i
		var rules []Conditions
		for j := range host.rules {
			rules = append(rules, Conditions{Route: host.rules[j].route, All: host.rules[j].match.conditions()})
		}
		d.List = append(d.List, Domain{Rules: rules})
	}
	add := func(host *virtualHost, name string) {
		hosts := &d.List[d.index[host]].Hosts
		*hosts = append(*hosts, name)
	}
	for _, name := range slices.Sorted(maps.Keys(port.names)) {
		add(port.names[name], name)
	}
	for _, tail := range slices.Sorted(maps.Keys(port.tails)) {
		add(port.tails[tail], "*"+tail)
	}
	if port.any != nil {
		add(port.any, "*")
	}
	return d
}

// conditions lists the conditions of a match, without those that every request meets.
func (m *matcher) conditions() []Condition {
	var out []Condition
	if m.path.kind != matchPresent && (m.path.kind != matchPrefix || m.path.text != "/") {
		pattern := m.path.pattern()
		if m.path.fold && m.path.kind != matchRegex {
			pattern = "(?i:" + pattern + ")"
		}
		out = append(out, Condition{Part: OfPath, Pattern: pattern})
	}
	for i := range m.headers {
		out = append(out, m.headers[i].condition())
	}
	for _, q := range m.query {
		out = append(out, Condition{Part: OfQuery, Name: q.name, Pattern: q.match.pattern()})
	}
	return out
}

// pattern returns the match as an RE2 expression for the whole text.
func (m textMatch) pattern() string {
	switch m.kind {
	case matchExact:
		return regexp.QuoteMeta(m.text)
	case matchPrefix:
		return regexp.QuoteMeta(m.text) + anyText
	case matchSegments:
		return regexp.QuoteMeta(m.text) + "(?:/" + anyText + ")?"
	case matchRegex:
		return "(?:" + m.text + ")"
	}
	return anyText
}

// anyText matches every text, with line ends.
const anyText = `(?s:.*)`

func (h *headerMatch) condition() Condition {
	c := Condition{Part: h.of, Pattern: h.match.pattern(), Not: h.not}
	if h.of == OfHeader {
		c.Name = h.key
		c.Absent = h.not && (h.match.kind == matchPresent || !h.match.matches(""))
	}
	return c
}

// PolicyConditions returns the conditions of all AuthorizationPolicies on requests, without duplicates. A gateway checks the path of a request
// as it is sent, the sidecar of a workload checks it after a rule has rewritten it. So for each rewrite that replaces a prefix of the path the
// result has the conditions on the rewritten path too, as conditions on the path as it is sent.
func (t *Table) PolicyConditions(rewrites []*Rewrite) []Condition {
	seen := map[Condition]bool{}
	for _, policies := range *t.policies {
		for _, p := range policies {
			for i := range p.rules {
				for _, c := range p.rules[i].all() {
					c.note(rewrites, seen)
				}
			}
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b Condition) int {
		return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Pattern, b.Pattern))
	})
}

// all lists the conditions of a rule.
func (r *accessRule) all() []accessCondition {
	return slices.Concat(append(slices.Concat(r.from, r.to), r.when)...)
}

// note adds the conditions on a request that follow from a condition of a policy.
func (c *accessCondition) note(rewrites []*Rewrite, seen map[Condition]bool) {
	var base Condition
	switch c.of {
	case ofHost:
		base.Part = OfAuthority
	case ofMethod:
		base.Part = OfMethod
	case ofPath:
		base.Part = OfPath
	case ofHeader:
		h := c.header.condition()
		base.Part, base.Name = h.Part, h.Name
	case ofRemoteIP:
		seen[Condition{Part: OfClient}] = true
		return
	default: // one value for all requests of a caller to a destination
		return
	}
	for _, m := range slices.Concat(c.in, c.not) {
		base.Pattern = m.pattern()
		seen[base] = true
		for _, w := range rewrites {
			if base.Part == OfPath || base.Part == OfTarget {
				for _, p := range m.unrewritten(w.From, w.To) {
					seen[Condition{Part: base.Part, Pattern: p}] = true
				}
			}
		}
	}
}

// unrewritten returns patterns of the texts that begin with from and match once that prefix is replaced by to.
func (m *valueMatch) unrewritten(from, to string) []string {
	if from == "" {
		return nil
	}
	head := regexp.QuoteMeta(from)
	rest, begins := strings.CutPrefix(m.text, to)
	switch {
	case m.kind == valuePresent, m.kind == valueAny, m.kind == valueHead && strings.HasPrefix(to, m.text):
		return []string{head + anyText}
	case m.kind == valueHead && begins:
		return []string{head + regexp.QuoteMeta(rest) + anyText}
	case m.kind == valueRegex:
		var out []string
		for _, t := range m.template.After(to) {
			out = append(out, head+t.Regex())
		}
		return out
	case m.kind == valueExact && begins:
		return []string{head + regexp.QuoteMeta(rest)}
	case m.kind != valueTail:
		return nil
	}
	out := []string{head + anyText + regexp.QuoteMeta(m.text)}
	for n := 1; n <= len(m.text); n++ { // the match ends within the text that the rewrite writes
		if strings.HasSuffix(to, m.text[:n]) {
			out = append(out, head+regexp.QuoteMeta(m.text[n:]))
		}
	}
	return out
}

func (m *valueMatch) pattern() string {
	text := regexp.QuoteMeta(m.text)
	if m.fold {
		text = "(?i:" + text + ")"
	}
	switch m.kind {
	case valueRegex:
		return "(?:" + m.text + ")"
	case valueAny:
		return anyText
	case valueHead:
		return text + anyText
	case valueTail:
		return anyText + text
	case valuePresent:
		return `(?s:.+)`
	}
	return text
}

// Alike reports whether every request gets the same decision and the same authorization, whether a or b sends it.
func (t *Table) Alike(a, b *Source) bool {
	return t.viewOf(a) == t.viewOf(b) && (a.Principal == b.Principal || len(*t.policies) == 0)
}
