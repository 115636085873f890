// Package nearest finds the name that a mistyped word probably means.
package nearest

import (
	"strings"

	"github.com/hbollon/go-edlib"
)

// Name returns the name in names that word was probably meant to be, or "" if none is close. A name is close with at most one error per
// three letters, where an error is a missing, extra or different letter, or two swapped neighbours. Case and underscores are ignored:
// Kubernetes requires perTryTimeout where protocol buffers have per_try_timeout. A word of more than 100 letters is close to none.
func Name(word string, names []string) string {
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
	if n := Name(word, known); n != "" && n != word {
		return "; did you mean " + n + "?"
	}
	return ""
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
