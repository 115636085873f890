// Package pathtemplate reads the path templates of AuthorizationPolicies, in which {*} is one segment and {**} any number of segments.
package pathtemplate

import (
	"regexp"
	"strings"
)

// The operators of a path template: {*} is one segment, {**} any number of segments.
const (
	oneSegment  = "{*}"
	anySegments = "{**}"
)

// Is reports whether a path of a policy is a template, as Istio decides it.
func Is(path string) bool {
	return strings.Contains(path, oneSegment) || strings.Contains(path, anySegments)
}

// Valid reports whether Envoy accepts a template that Istio accepts.
// (Envoy, source/extensions/path/uri_template_lib/uri_template_internal.cc, parseURLPatternSyntax)
func Valid(template string) bool {
	return strings.HasPrefix(template, "/") && !strings.Contains(template, "//")
}

// Template holds the parts of a path template, in order.
type Template []part

// part is one character, or a run of characters for an operator.
type part struct {
	literal  byte // 0: a run
	segments bool // whether the run may have slashes
	empty    bool // whether the run may be empty
}

// characters holds the characters beside letters and digits that an operator matches, as observed on Envoy 1.40: those of a segment
// in RFC 3986, appendix A, pchar.
const characters = "-._~%!$&'()*+,;:@="

// Parse returns the parts of a template.
func Parse(text string) (t Template) {
	for text != "" {
		switch rest, ok := strings.CutPrefix(text, oneSegment); {
		case ok:
			t, text = append(t, part{}), rest
		case strings.HasPrefix(text, anySegments):
			t, text = append(t, part{segments: true, empty: true}), text[len(anySegments):]
		default:
			t, text = append(t, part{literal: text[0]}), text[1:]
		}
	}
	return t
}

// Regex returns an RE2 expression for the whole path.
func (t Template) Regex() string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.regex())
	}
	return b.String()
}

func (p part) regex() string {
	if p.literal != 0 {
		return regexp.QuoteMeta(string(p.literal))
	}
	class := "[a-zA-Z0-9" + strings.Replace(characters, "-", `\-`, 1)
	if p.segments {
		class += "/"
	}
	if p.empty {
		return class + "]*"
	}
	return class + "]+"
}

// accepts reports whether a character can be part of the run.
func (p part) accepts(c byte) bool {
	letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
	return letter || strings.IndexByte(characters, c) >= 0 || p.segments && c == '/'
}

// After returns the templates of what may follow a beginning of a path that matches.
func (t Template) After(beginning string) []Template {
	switch {
	case beginning == "":
		return []Template{t}
	case len(t) == 0:
		return nil
	case t[0].literal != 0:
		if t[0].literal != beginning[0] {
			return nil
		}
		return t[1:].After(beginning[1:])
	}
	var out []Template
	if t[0].empty {
		out = t[1:].After(beginning)
	}
	if t[0].accepts(beginning[0]) {
		more := append(Template{{segments: t[0].segments, empty: true}}, t[1:]...)
		out = append(out, more.After(beginning[1:])...)
	}
	return out
}
