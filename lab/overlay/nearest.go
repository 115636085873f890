package overlay

import "strings"

// nearest is the name among names that word was probably meant to be, or "" when none is close: at most one slip for every three
// letters, where a slip is a letter missing, added, changed, or swapped with its neighbour. Case does not count, nor do
// underscores: Kubernetes wants perTryTimeout where protocol buffers say per_try_timeout.
func nearest(word string, names []string) string {
	best, bestSlips := "", len(word)/3+1
	for _, name := range names {
		if s := slips(fold(word), fold(name)); s < bestSlips || s == bestSlips && best != "" && name < best {
			best, bestSlips = name, s
		}
	}
	return best
}

// Nearest is nearest for other packages: the name that word was probably meant to be, or "".
func Nearest(word string, names []string) string { return nearest(word, names) }

// DidYouMean is the end of a message about a name that is not known: "; did you mean middle?" when one of those that are known is near, else "".
func DidYouMean(word string, known []string) string {
	if n := nearest(word, known); n != "" && n != word {
		return "; did you mean " + n + "?"
	}
	return ""
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// slips is the Damerau-Levenshtein distance of two words, with neighbours swapped at most once (optimal string alignment).
func slips(a, b string) int {
	const long = 64 // no field name is longer: what is, is compared no further
	a, b = a[:min(len(a), long)], b[:min(len(b), long)]
	var before, last [long + 1]int
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		var row [long + 1]int
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// unknownField says that a field is not known, and which one may have been meant.
func unknownField(name string, known []string) string {
	if meant := DidYouMean(name, known); meant != "" {
		return "unknown field" + meant
	}
	return "unknown field, or one that the lab does not support"
}
