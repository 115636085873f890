package compare

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/compare/textclass"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
)

// The texts that a part of a request can have, as RE2 expressions.
const (
	// pathChar matches a character of a path, or an escape that is necessary; pathAny also a dot.
	pathChar = `(?:[!$&'()*+,\-0-9:;=@A-Z\[\]_a-z~]|%(?:0[1-9A-Fa-f]|1[0-9A-Fa-f]|2[0-9A-CFa-cf]|3[A-Fa-f]|40|5[B-Eb-e]|60|7[BCDFbcdf]|[89A-Fa-f][0-9A-Fa-f]))`
	pathAny  = `(?:\.|` + pathChar + `)`
	// validPath matches the paths that urlpath.Normalize leaves as they are: no segment is "." or "..".
	validPath = `(?:/(?:\.{0,1}` + pathChar + pathAny + `*|\.\.` + pathAny + `+)?)+`

	validMethod = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+" // a token of RFC 9110
	validHeader = `|[!-~]|[!-~][ -~]*[!-~]`
	validQuery  = `[!-"$-%'-~]*`
	validHost   = `(?:[a-zA-Z0-9_][a-zA-Z0-9_.\-]*|\[[0-9a-f:.]+\])`
)

// maxCombinations bounds the combinations of conditions that one call of Tables compares.
const maxCombinations = 300_000

// walk enumerates the requests that the rules of one caller on one port distinguish, before and after. It fixes one part of the request after
// the other: the authority, the path, the method, each header, each query parameter. For each class of texts of a part (see textclass.Of) it
// keeps the rules that can still match, up to the first that certainly does. Two ways that leave the same rules are the same from there on,
// and only the first is followed. So it visits each combination that matters once, and no more.
type walk struct {
	*comparison
	port     int
	gateway  bool
	sides    [2]*mesh.Domains
	policies func([]*mesh.Rewrite) []mesh.Condition // of both sides
	use      func(*mesh.Request)
}

// dimension is one part of a request that conditions are about.
type dimension struct {
	part
	patterns []string
	index    map[string]int32 // of patterns
	classes  []textclass.Class
	absent   int     // the class of requests without the header or query parameter; -1 for none
	markers  []int32 // the patterns of policies: they select no rule, but their results distinguish requests
}

// need is a condition of a rule on a dimension.
type need struct {
	pattern     int32
	not, absent bool
}

// requests calls use with all requests.
func (w *walk) requests() {
	for _, authority := range w.authorities() {
		var rules [2][]mesh.Conditions
		for side := range w.sides {
			if n := w.sides[side].Of(authority.Text); n >= 0 {
				rules[side] = w.sides[side].List[n].Rules
			}
		}
		if len(rules[0])+len(rules[1]) > 0 {
			w.domain(authority, rules)
		}
	}
}

// authorities returns one authority for each combination of domains and conditions on the authority.
func (w *walk) authorities() []textclass.Class {
	patterns := w.authorityPatterns()
	conditions := len(patterns)
	for _, d := range w.domains() {
		for _, host := range d.Hosts {
			patterns = append(patterns, hostPattern(host))
		}
	}
	list, complete := w.texts.Of(patterns, w.validAuthority(), "localhost", "localhost:8080", "example.org", "example.org:"+strconv.Itoa(w.port))
	w.limit(!complete, "there are too many hosts to distinguish all authorities")
	var out []textclass.Class
	seen := map[string]bool{}
	for _, c := range list {
		at, _ := slices.BinarySearch(c.In, int32(conditions))
		key := strconv.Itoa(w.sides[0].Of(c.Text)) + " " + strconv.Itoa(w.sides[1].Of(c.Text)) + " " + textclass.Key(c.In[:at])
		if !seen[key] {
			seen[key] = true
			out = append(out, c)
		}
	}
	return out
}

// domains returns the domains of both sides.
func (w *walk) domains() (all []mesh.Domain) {
	for _, side := range w.sides {
		if side != nil {
			all = append(all, side.List...)
		}
	}
	return all
}

// validAuthority matches the authorities of requests to the port. A client names the port in it, unless it is 80; a gateway's clients may
// come by another port than the Gateway's.
func (w *walk) validAuthority() string {
	switch {
	case w.gateway:
		return validHost + `(?::[0-9]{1,5})?`
	case w.port == 80:
		return validHost + `(?::80)?`
	}
	return validHost + `:` + strconv.Itoa(w.port)
}

// authorityPatterns returns the patterns of rules and policies for the authority.
func (w *walk) authorityPatterns() []string {
	seen := map[string]bool{}
	for _, d := range w.domains() {
		for _, r := range d.Rules {
			for _, c := range r.All {
				if c.Part == mesh.OfAuthority {
					seen[c.Pattern] = true
				}
			}
		}
	}
	for _, c := range w.policies(nil) {
		if c.Part == mesh.OfAuthority {
			seen[c.Pattern] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// hostPattern returns the expression for the authorities of a domain's host. As in the table, letter case and port do not matter.
func hostPattern(host string) string {
	pattern := regexp.QuoteMeta(host)
	if tail, ok := strings.CutPrefix(host, "*"); ok {
		pattern = `.+` + regexp.QuoteMeta(tail)
	}
	return `(?i:` + pattern + `)(?::[0-9]*)?`
}

func (w *walk) limit(met bool, reason string) {
	if met {
		w.limits[reason] = true
	}
}

// domain enumerates the requests for one authority, with the rules that it has on each side.
func (w *walk) domain(authority textclass.Class, rules [2][]mesh.Conditions) {
	d := combination{walk: w, authority: authority, rules: rules, seen: map[string]struct{}{}}
	d.build(rules)
	var open [2][]int32
	for side := range rules {
		for i := range rules[side] {
			if fixed(rules[side][i].All, authority.Text) {
				open[side] = append(open[side], int32(i))
			}
		}
	}
	d.follow(0, open, "", make([]int, len(d.dimensions)))
}

// combination enumerates the classes of all parts of a request for one authority.
type combination struct {
	*walk
	authority  textclass.Class
	rules      [2][]mesh.Conditions
	dimensions []dimension
	needs      [2][][][]need // by side, rule and dimension
	last       [2][]int      // by side and rule: the last dimension that the rule has a condition on; -1 for none
	seen       map[string]struct{}

	regexRewrites bool
}

// fixed reports whether a rule's conditions on authority and scheme hold. The lab's requests have the scheme http.
func fixed(all []mesh.Condition, authority string) bool {
	for _, c := range all {
		value := authority
		switch c.Part {
		case mesh.OfAuthority:
		case mesh.OfScheme:
			value = "http"
		default:
			continue
		}
		if matchesWhole(c.Pattern, value) == c.Not {
			return false
		}
	}
	return true
}

func matchesWhole(pattern, text string) bool {
	re, err := istio.WholeRegex(pattern)
	return err == nil && re.MatchString(text)
}

// build collects the dimensions and what each rule needs of them.
func (d *combination) build(rules [2][]mesh.Conditions) {
	found := dimensions{at: map[part]int{}}
	found.pattern(part{of: mesh.OfPath}, validPath) // every request has a path and a method
	found.pattern(part{of: mesh.OfMethod}, validMethod)
	for side := range rules {
		d.needs[side], d.last[side] = make([][][]need, len(rules[side])), make([]int, len(rules[side]))
		for i, r := range rules[side] {
			d.needs[side][i] = d.needsOf(r.All, &found)
			d.last[side][i] = len(d.needs[side][i]) - 1
		}
	}
	for _, c := range d.policies(d.rewrites(rules)) {
		d.mark(c, &found)
	}
	d.dimensions = found.list
	for i := range d.dimensions {
		d.classes(&d.dimensions[i])
	}
}

// mark adds a condition of a policy.
func (d *combination) mark(c mesh.Condition, found *dimensions) {
	p := part{c.Part, c.Name}
	switch c.Part {
	case mesh.OfAuthority, mesh.OfScheme:
		return
	case mesh.OfClient:
		d.limit(!d.gateway, "a policy checks the address of the client: requests with X-Forwarded-For are not compared")
		return
	case mesh.OfTarget:
		p.of = mesh.OfPath
		d.limit(true, "a policy checks the pseudo-header :path: it is compared for requests without a query")
	case mesh.OfPath:
		d.limit(d.regexRewrites, "a rule rewrites the path by a regular expression, and a policy checks the path: not all such paths are compared")
	case mesh.OfHeader:
		d.limit(d.adds(c.Name), "a rule adds to a header that a policy checks: not all values of it are compared")
	}
	dim, n := found.pattern(p, c.Pattern)
	found.list[dim].markers = append(found.list[dim].markers, n)
}

// adds reports whether a rule adds a value to a header.
func (d *combination) adds(header string) bool {
	names := func(added mesh.Header) bool { return http.CanonicalHeaderKey(added.Name) == header }
	for side := range d.rules {
		for _, r := range d.rules[side] {
			if slices.ContainsFunc(r.Route.Headers.RequestAdd, names) {
				return true
			}
			for i := range r.Route.Destinations {
				if slices.ContainsFunc(r.Route.Destinations[i].Headers.RequestAdd, names) {
					return true
				}
			}
		}
	}
	return false
}

// needsOf returns the conditions of a rule by dimension, up to the last that has one.
func (d *combination) needsOf(all []mesh.Condition, found *dimensions) [][]need {
	var needs [][]need
	for _, c := range all {
		p := part{c.Part, c.Name}
		switch c.Part {
		case mesh.OfAuthority, mesh.OfScheme:
			continue
		case mesh.OfTarget: // as long as there is no query, it is the path
			p.of = mesh.OfPath
			d.limit(true, "a rule matches the pseudo-header :path: it is compared for requests without a query")
		}
		dim, n := found.pattern(p, c.Pattern)
		for len(needs) <= dim {
			needs = append(needs, nil)
		}
		needs[dim] = append(needs[dim], need{n, c.Not, c.Absent})
	}
	return needs
}

// part is a part of a request, with the name of a header or query parameter.
type part struct {
	of   mesh.Part
	name string
}

// dimensions collects the dimensions and their patterns.
type dimensions struct {
	list []dimension
	at   map[part]int
}

// pattern returns the dimension of a part, and the number of a pattern in it.
func (s *dimensions) pattern(p part, pattern string) (dim int, n int32) {
	dim, ok := s.at[p]
	if !ok {
		dim = len(s.list)
		s.at[p] = dim
		s.list = append(s.list, dimension{part: p, absent: -1, index: map[string]int32{}})
	}
	to := &s.list[dim]
	n, ok = to.index[pattern]
	if !ok {
		n = int32(len(to.patterns))
		to.index[pattern] = n
		to.patterns = append(to.patterns, pattern)
	}
	return dim, n
}

// classes fills in the classes of a dimension.
func (d *combination) classes(dim *dimension) {
	var complete bool
	switch dim.of {
	case mesh.OfPath:
		dim.classes, complete = d.texts.Of(dim.patterns, validPath, "/")
	case mesh.OfMethod:
		dim.classes, complete = d.texts.Of(dim.patterns, validMethod, "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
	case mesh.OfHeader:
		dim.classes, complete = d.texts.Of(dim.patterns, validHeader, "other")
	default:
		dim.classes, complete = d.texts.Of(dim.patterns, validQuery, "other")
	}
	d.limit(!complete, "there are too many conditions on one part of a request to distinguish all texts")
	if dim.of == mesh.OfHeader || dim.of == mesh.OfQuery {
		dim.absent = 0 // first: it makes the shortest examples
		dim.classes = append([]textclass.Class{{}}, dim.classes...)
	}
}

// rewrites returns the different rewrites of the path that replace a prefix.
func (d *combination) rewrites(rules [2][]mesh.Conditions) []*mesh.Rewrite {
	var out []*mesh.Rewrite
	seen := map[[2]string]bool{}
	for side := range rules {
		for _, r := range rules[side] {
			w := r.Route.Rewrite
			switch {
			case w == nil || w.URI == nil:
			case w.From == "":
				d.regexRewrites = d.regexRewrites || w.Regex
			case !seen[[2]string{w.From, w.To}]:
				seen[[2]string{w.From, w.To}] = true
				out = append(out, w)
			}
		}
	}
	return out
}

// follow fixes the dimensions from n on, and uses one request for each combination. open holds the rules of each side that can still match;
// marks is the result of the policies' patterns so far; chosen holds the class of each dimension before n.
func (d *combination) follow(n int, open [2][]int32, marks string, chosen []int) {
	if n == len(d.dimensions) {
		d.variants(d.request(chosen), open, chosen)
		return
	}
	dim := &d.dimensions[n]
	for i := range dim.classes {
		next := [2][]int32{d.still(0, n, open[0], i), d.still(1, n, open[1], i)}
		marked := marks
		for _, m := range dim.markers {
			marked += strconv.FormatBool(i != dim.absent && dim.classes[i].Matches(m))[:1]
		}
		key := strconv.Itoa(n) + " " + marked + " " + textclass.Key(next[0]) + "\x00\x00\x00\x80" + textclass.Key(next[1])
		if _, known := d.seen[key]; known {
			continue
		}
		if d.budget--; d.budget < 0 {
			d.limit(true, "there are more than "+strconv.Itoa(maxCombinations)+" combinations of conditions: the others are not compared")
			return
		}
		d.seen[key] = struct{}{}
		chosen[n] = i
		d.follow(n+1, next, marked, chosen)
	}
}

// still returns the rules of open that can match requests of a class of the n-th dimension, up to the first that certainly matches.
func (d *combination) still(side, n int, open []int32, class int) []int32 {
	dim := &d.dimensions[n]
	var out []int32
	for _, rule := range open {
		needs := d.needs[side][rule]
		if n < len(needs) && !dim.meets(needs[n], class) {
			continue
		}
		out = append(out, rule)
		if d.last[side][rule] <= n {
			break
		}
	}
	return out
}

// meets reports whether the texts of a class meet all conditions of a list.
func (dim *dimension) meets(needs []need, class int) bool {
	for _, c := range needs {
		if class == dim.absent {
			if !c.absent {
				return false
			}
		} else if dim.classes[class].Matches(c.pattern) == c.not {
			return false
		}
	}
	return true
}

// variants uses a request and, if a rule makes a new path or location of it, the same with another path and authority of the same classes:
// two rules that make the same of one path may make different ones of the next. Two paths are enough, because a rule replaces either the
// whole path or a prefix of it (a rewrite by a regular expression is compared as it is written).
func (d *combination) variants(req *mesh.Request, open [2][]int32, chosen []int) {
	d.use(req)
	changed, redirected := false, false
	for side := range open {
		if len(open[side]) > 0 {
			r := d.rules[side][open[side][0]].Route
			redirected = redirected || r.Redirect != nil
			changed = changed || r.Rewrite != nil || r.Redirect != nil
		}
	}
	for i, c := range chosen {
		if dim := &d.dimensions[i]; changed && dim.of == mesh.OfPath && dim.classes[c].More != "" {
			other := *req
			other.Path = dim.classes[c].More + strings.TrimPrefix(req.Path, dim.classes[c].Text)
			d.use(&other)
		}
	}
	if redirected && d.authority.More != "" {
		other := *req
		other.Authority = d.authority.More
		d.use(&other)
	}
}

// request builds the request of the chosen classes.
func (d *combination) request(chosen []int) *mesh.Request {
	req := &mesh.Request{Method: http.MethodGet, Authority: d.authority.Text, Path: "/", Scheme: "http", Port: d.port, Header: http.Header{}}
	var query []string
	for i, c := range chosen {
		dim := &d.dimensions[i]
		if c == dim.absent {
			continue
		}
		text := dim.classes[c].Text
		switch dim.of {
		case mesh.OfPath:
			req.Path = text
		case mesh.OfMethod:
			req.Method = text
		case mesh.OfHeader:
			req.Header[dim.name] = []string{text}
		case mesh.OfQuery:
			query = append(query, dim.name+"="+text)
		}
	}
	if query != nil {
		req.Path += "?" + strings.Join(query, "&")
	}
	return req
}
