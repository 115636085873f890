package lesson

import (
	"regexp"
	"strings"
)

// anything replaces text that varies in expected output: within a line for any text, on a line of its own for any number of lines.
const anything = "…"

// mismatch compares output with what a lesson expects. It returns nil if they fit, and otherwise lines that show both: "  " before a line
// that fits, "- " before the expected line that was not found, and "+ " before the lines that are there instead. The number of blanks
// between words does not matter.
func mismatch(want, got []string) []string {
	ok, furthest := fits(want, got)
	if ok {
		return nil
	}
	return difference(want, got, furthest)
}

// place is a pair of positions: so many lines of want fit the first lines of got.
type place struct{ want, got int }

// fits reports whether got fits want, and the furthest place up to which it does. It is the usual matching of a pattern with stars, so that
// its time is bounded by the product of both lengths.
func fits(want, got []string) (ok bool, furthest place) {
	forms := make([]*regexp.Regexp, len(want))
	for i, line := range want {
		forms[i] = form(line)
	}
	at, star := place{}, place{-1, 0}
	for at.got < len(got) {
		switch {
		case at.want < len(want) && strings.TrimSpace(want[at.want]) == anything:
			star = at
			at.want++
		case at.want < len(want) && forms[at.want].MatchString(words(got[at.got])):
			at = place{at.want + 1, at.got + 1}
		case star.want >= 0:
			star.got++
			at = place{star.want + 1, star.got}
		default:
			return false, furthest
		}
		if at.want >= furthest.want {
			furthest = at
		}
	}
	for at.want < len(want) && strings.TrimSpace(want[at.want]) == anything {
		at.want++
	}
	return at.want == len(want), furthest
}

// form returns the expression for an expected line.
func form(line string) *regexp.Regexp {
	parts := strings.Split(words(line), anything)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
}

// words returns a line with one blank between words.
func words(line string) string { return strings.Join(strings.Fields(line), " ") }

// difference shows where output differs from what is expected.
func difference(want, got []string, at place) []string {
	var lines []string
	for _, line := range got[:at.got] {
		lines = append(lines, "  "+line)
	}
	for i := at.want; i < len(want); i++ {
		if strings.TrimSpace(want[i]) != anything {
			lines = append(lines, "- "+want[i])
			break
		}
	}
	for _, line := range got[at.got:] {
		lines = append(lines, "+ "+line)
	}
	return lines
}
