package mesh

import (
	"regexp"
	"strings"
)

// The operators of a path template: {*} is one segment, {**} any number of segments.
const (
	oneSegment  = "{*}"
	anySegments = "{**}"
)

// isTemplate reports whether a path of a policy is a template, as Istio decides it.
func isTemplate(path string) bool {
	return strings.Contains(path, oneSegment) || strings.Contains(path, anySegments)
}

// validTemplate reports whether Envoy accepts a template that Istio accepts.
// (Envoy, source/extensions/path/uri_template_lib/uri_template_internal.cc, parseURLPatternSyntax)
func validTemplate(template string) bool {
	return strings.HasPrefix(template, "/") && !strings.Contains(template, "//")
}

// pathTemplate holds the parts of a path template, in order.
type pathTemplate []templatePart

// templatePart is one character, or a run of characters for an operator.
type templatePart struct {
	literal  byte // 0: a run
	segments bool // whether the run may have slashes
	empty    bool // whether the run may be empty
}

// templateCharacters holds the characters beside letters and digits that an operator matches, as observed on Envoy 1.40: those of a segment
// in RFC 3986, appendix A, pchar.
const templateCharacters = "-._~%!$&'()*+,;:@="

func newPathTemplate(text string) (t pathTemplate) {
	for text != "" {
		switch rest, ok := strings.CutPrefix(text, oneSegment); {
		case ok:
			t, text = append(t, templatePart{}), rest
		case strings.HasPrefix(text, anySegments):
			t, text = append(t, templatePart{segments: true, empty: true}), text[len(anySegments):]
		default:
			t, text = append(t, templatePart{literal: text[0]}), text[1:]
		}
	}
	return t
}

// regex returns an RE2 expression for the whole path.
func (t pathTemplate) regex() string {
	var b strings.Builder
	for _, p := range t {
		b.WriteString(p.regex())
	}
	return b.String()
}

func (p templatePart) regex() string {
	if p.literal != 0 {
		return regexp.QuoteMeta(string(p.literal))
	}
	class := "[a-zA-Z0-9" + strings.Replace(templateCharacters, "-", `\-`, 1)
	if p.segments {
		class += "/"
	}
	if p.empty {
		return class + "]*"
	}
	return class + "]+"
}

// accepts reports whether a character can be part of the run.
func (p templatePart) accepts(c byte) bool {
	letter := 'a' <= lower(c) && lower(c) <= 'z' || '0' <= c && c <= '9'
	return letter || strings.IndexByte(templateCharacters, c) >= 0 || p.segments && c == '/'
}

// after returns the templates of what may follow a beginning of a path that matches.
func (t pathTemplate) after(beginning string) []pathTemplate {
	switch {
	case beginning == "":
		return []pathTemplate{t}
	case len(t) == 0:
		return nil
	case t[0].literal != 0:
		if t[0].literal != beginning[0] {
			return nil
		}
		return t[1:].after(beginning[1:])
	}
	var out []pathTemplate
	if t[0].empty {
		out = t[1:].after(beginning)
	}
	if t[0].accepts(beginning[0]) {
		more := append(pathTemplate{{segments: t[0].segments, empty: true}}, t[1:]...)
		out = append(out, more.after(beginning[1:])...)
	}
	return out
}
