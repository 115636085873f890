package overlay

import "strings"

// Nearest returns the name in names that word was probably meant to be, or "" if none is close. A name is close with at most one error per
// three letters, where an error is a missing, extra or different letter, or two swapped neighbours. Case and underscores are ignored:
// Kubernetes requires perTryTimeout where protocol buffers have per_try_timeout.
func Nearest(word string, names []string) string {
	best, bestSlips := "", len(word)/3+1
	for _, name := range names {
		if s := slips(fold(word), fold(name)); s < bestSlips || s == bestSlips && best != "" && name < best {
			best, bestSlips = name, s
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

// slips returns the Damerau-Levenshtein distance of two words, with neighbours swapped at most once (optimal string alignment).
func slips(a, b string) int {
	const long = 64 // no field name is longer; the rest of a longer word is not compared
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

// unknownField returns the message about an unknown field, with the name that was probably meant.
func unknownField(name string, known []string) string {
	if meant := DidYouMean(name, known); meant != "" {
		return "unknown field" + meant
	}
	return "unknown field, or one that the lab does not support"
}
