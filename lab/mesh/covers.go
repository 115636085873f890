package mesh

import (
	"regexp"
	"slices"
	"strings"
)

// covers reports whether m is proved to match every request that other matches. It returns false if there is no proof.
func (m *matcher) covers(other *matcher) bool {
	if !m.path.covers(&other.path) {
		return false
	}
	for i := range m.headers {
		if !m.headers[i].follows(other.headers) {
			return false
		}
	}
	for i := range m.query {
		q := &m.query[i]
		if !slices.ContainsFunc(other.query, func(o queryMatch) bool { return o.name == q.name && q.match.covers(o.match) }) {
			return false
		}
	}
	return true
}

// covers reports whether m matches every value that other matches.
func (m textMatch) covers(other textMatch) bool {
	if m.kind == matchPresent || m.kind == matchPrefix && m.text == "" {
		return true
	}
	if other.kind == matchSegments {
		return m.kind == matchPrefix && strings.HasPrefix(other.text, m.text) || m.kind == matchSegments && m.matches(other.text)
	}
	switch other.kind {
	case matchExact:
		return m.matches(other.text)
	case matchPrefix:
		return m.kind == matchPrefix && strings.HasPrefix(other.text, m.text)
	case matchRegex:
		return m.kind == matchRegex && m.text == other.text || m.kind == matchPrefix && strings.HasPrefix(literalPrefix(other.text), m.text)
	}
	return false
}

// literalPrefix returns the prefix that every match of an expression has.
func literalPrefix(expression string) string {
	re, err := regexp.Compile(expression)
	if err != nil {
		return ""
	}
	prefix, _ := re.LiteralPrefix()
	return prefix
}

// covers is like textMatch.covers, but respects letter case.
func (m *pathMatch) covers(other *pathMatch) bool {
	// a result for one spelling holds for all only if m ignores letter case, or if other has only one spelling
	one := !other.fold || other.kind == matchRegex || other.kind == matchPresent
	if !m.fold || m.kind == matchRegex || m.kind == matchPresent {
		return m.textMatch.covers(other.textMatch) && (one || m.kind == matchPresent || m.kind != matchRegex && !hasLetter(m.text))
	}
	a, b := foldText(m.textMatch), foldText(other.textMatch)
	if other.kind == matchRegex { // its text cannot be folded
		return m.kind == matchPrefix && strings.HasPrefix(foldLetters(literalPrefix(other.text)), a.text)
	}
	return a.covers(b)
}

func foldText(m textMatch) textMatch {
	if m.kind == matchRegex {
		return m
	}
	m.text = foldLetters(m.text)
	return m
}

// foldLetters converts ASCII letters to lower case, and no others, because equalFold compares them so.
func foldLetters(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = lower(b[i])
	}
	return string(b)
}

func hasLetter(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' })
}

// follows reports whether a condition is proved to hold for every request that meets the conditions in others.
func (h *headerMatch) follows(others []headerMatch) bool {
	if h.of != OfHeader && !h.not && h.match.kind == matchPresent {
		return true // a request line has all its parts
	}
	return slices.ContainsFunc(others, func(o headerMatch) bool { return headerKey(h) == headerKey(&o) && h.followsFrom(&o) })
}

// followsFrom is like follows, for one other condition on the same header.
func (h *headerMatch) followsFrom(o *headerMatch) bool {
	switch {
	case !h.not:
		return !o.not && h.match.covers(o.match)
	case o.not && o.match.kind == matchPresent: // the header is absent, which counts as empty
		return h.match.kind == matchPresent || !h.match.matches("")
	case o.not:
		return h.match.kind != matchPresent && o.match.covers(h.match)
	default: // a header may have more values; a part of the request line has only one
		return h.of != OfHeader && o.match.kind == matchExact && !h.match.matches(o.match.text)
	}
}
