package overlay

import (
	"strings"

	"github.com/hbollon/go-edlib"
)

// Nearest returns the name in names that word was probably meant to be, or "" if none is close. A name is close with at most one error per
// three letters, where an error is a missing, extra or different letter, or two swapped neighbours. Case and underscores are ignored:
// Kubernetes requires perTryTimeout where protocol buffers have per_try_timeout. A word of more than 100 letters is close to none.
func Nearest(word string, names []string) string {
	if len(word) > 100 {
		return ""
	}
	best, fewest := "", len(word)/3+1
	for _, name := range names {
		if n := edlib.OSADamerauLevenshteinDistance(fold(word), fold(name)); n < fewest || n == fewest && best != "" && name < best {
			best, fewest = name, n
		}
	}
	return best
}

// DidYouMean returns the end of a message about an unknown name: "; did you mean middle?" if one of the known names is close, else "".
func DidYouMean(word string, known []string) string {
	if n := Nearest(word, known); n != "" && n != word {
		return "; did you mean " + n + "?"
	}
	return ""
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// unknownField returns the message about an unknown field, with the name that was probably meant.
func unknownField(name string, known []string) string {
	if meant := DidYouMean(name, known); meant != "" {
		return "unknown field" + meant
	}
	return "unknown field, or one that the lab does not support"
}
