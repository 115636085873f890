package mesh

import "slices"

// index finds the first rule that matches a request without a check of every rule. Every rule is stored under one of its conditions, the
// one that the fewest other rules share: an exact path, an exact header, or a prefix. For a request, the index reads only the lists for its
// path and headers. It checks the rules there, and stops at the best match so far.
type index struct {
	exact    map[string][]int32 // by path
	prefixes map[string][]int32 // by prefix
	lengths  []int              // of the prefixes, ascending
	headers  []headerIndex      //
	rest     []int32            // rules without such a condition
}

// headerIndex stores rules by the value of one header.
type headerIndex struct {
	header headerMatch
	values map[string][]int32
}

// condition is a condition that a rule can be stored under.
type condition struct {
	kind  textKind // matchExact or matchPrefix for the path, or matchPresent for a header
	key   string   // of the header
	value string
}

// conditions lists the conditions that a rule can be stored under.
func conditions(m *matcher) []condition {
	var out []condition
	switch kind := m.path.kind; {
	case m.path.fold:
	case kind == matchExact || kind == matchPrefix:
		out = append(out, condition{kind: kind, value: m.path.text})
	case kind == matchSegments:
		out = append(out, condition{kind: matchPrefix, value: m.path.text})
	}
	for i := range m.headers {
		if h := &m.headers[i]; !h.not && h.match.kind == matchExact {
			out = append(out, condition{key: headerKey(h), value: h.match.text})
		}
	}
	return out
}

// headerKey returns a key that is the same for every spelling of a header name.
func headerKey(h *headerMatch) string {
	if h.of != OfHeader {
		return ":" + string(rune('0'+h.of))
	}
	return h.key
}

func newIndex(rules []rule) *index {
	shared := map[condition]int{}
	for i := range rules {
		for _, c := range conditions(&rules[i].match) {
			shared[c]++
		}
	}
	x := &index{exact: map[string][]int32{}, prefixes: map[string][]int32{}}
	for i := range rules {
		x.file(int32(i), &rules[i].match, shared)
	}
	for prefix := range x.prefixes {
		if !slices.Contains(x.lengths, len(prefix)) {
			x.lengths = append(x.lengths, len(prefix))
		}
	}
	slices.Sort(x.lengths)
	return x
}

func (x *index) file(n int32, m *matcher, shared map[condition]int) {
	all := conditions(m)
	if len(all) == 0 {
		x.rest = append(x.rest, n)
		return
	}
	best := slices.MinFunc(all, func(a, b condition) int { return shared[a] - shared[b] })
	switch best.kind {
	case matchExact:
		x.exact[best.value] = append(x.exact[best.value], n)
	case matchPrefix:
		x.prefixes[best.value] = append(x.prefixes[best.value], n)
	default:
		x.fileHeader(n, m, best)
	}
}

func (x *index) fileHeader(n int32, m *matcher, best condition) {
	at := slices.IndexFunc(x.headers, func(h headerIndex) bool { return headerKey(&h.header) == best.key })
	if at < 0 {
		i := slices.IndexFunc(m.headers, func(h headerMatch) bool { return headerKey(&h) == best.key })
		at = len(x.headers)
		x.headers = append(x.headers, headerIndex{header: m.headers[i], values: map[string][]int32{}})
	}
	x.headers[at].values[best.value] = append(x.headers[at].values[best.value], n)
}

// first returns the number of the first rule that matches a request, or -1.
func (x *index) first(rules []rule, req *Request, path, query string) int {
	best := int32(len(rules))
	try := func(file []int32) {
		for _, n := range file {
			if n >= best {
				return
			}
			if rules[n].match.matches(req, path, query) {
				best = n
				return
			}
		}
	}
	try(x.exact[path])
	for i := range x.headers {
		h := &x.headers[i]
		if h.header.of != OfHeader {
			try(h.values[h.header.part(req)])
			continue
		}
		for _, value := range h.header.values(req) {
			try(h.values[value])
		}
	}
	for _, n := range x.lengths {
		if n > len(path) {
			break
		}
		try(x.prefixes[path[:n]])
	}
	try(x.rest)
	if best == int32(len(rules)) {
		return -1
	}
	return int(best)
}
