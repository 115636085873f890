package overlay

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// doubt is a part of the overlay that could not be read completely: a file that is not valid YAML, an object with an unknown field. It may
// contain the target of a reference, so that the reference is not reported as dangling.
type doubt struct {
	kind       string // kind of the object; "" if unknown
	text       string // the text that could be read
	everything bool   // nothing of it could be read
}

type doubts []doubt

// mention reports whether a name may be in the unread parts of objects of some kinds.
func (d doubts) mention(name string, kinds ...string) bool {
	for _, x := range d {
		if x.everything || (x.kind == "" || slices.Contains(kinds, x.kind)) && hasWord(x.text, name) {
			return true
		}
	}
	return false
}

// hasWord reports whether a text contains a name that is not part of a longer name.
func hasWord(text, name string) bool {
	for name != "" {
		before, after, found := strings.Cut(text, name)
		if !found {
			return false
		}
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		if !inName(last) && !inName(next) {
			return true
		}
		text = text[len(before)+1:]
	}
	return false
}

func inName(r rune) bool { return r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
