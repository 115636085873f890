package tty

import (
	"strings"
	"unicode/utf8"
)

// Fold returns the words of a text in lines of at most width characters, unless a word is longer. The first line begins with first, the further
// ones with rest.
func Fold(text string, width int, first, rest string) []string {
	var lines []string
	line, empty := first, true
	for word := range strings.FieldsSeq(text) {
		switch {
		case empty:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = rest + word
		default:
			line += " " + word
		}
		empty = false
	}
	if empty {
		return nil
	}
	return append(lines, line)
}
