package overlay

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// doubt is something that could not be read whole: a file that is no YAML, an object with an unknown field. What nobody else has may be in
// it, so that a reference to it is not reported as one that leads nowhere.
type doubt struct {
	kind       string // of object; "" where it is not known
	text       string // as far as it could be read
	everything bool   // it could not be read at all
}

type doubts []doubt

// mention says whether a name may be in what could not be read of objects of some kinds.
func (d doubts) mention(name string, kinds ...string) bool {
	for _, x := range d {
		if x.everything || (x.kind == "" || slices.Contains(kinds, x.kind)) && hasWord(x.text, name) {
			return true
		}
	}
	return false
}

// hasWord says whether a text holds a name that is not a part of a longer one.
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
