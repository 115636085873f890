package compare

import (
	"errors"
	"fmt"
	"strings"
)

// ErrDiffer is the error of a command that has compared rules and printed differences.
var ErrDiffer = errors.New("requests are treated differently")

// Text returns the comparison as text: the differences, with commands that explain their examples by the rules in files; what is not compared,
// for the reasons of Limits and notCompared; what is assumed; and the number of differences, or without any the words none.
func (r *Result) Text(none string, notCompared, assumed []string, files ...string) string {
	var b strings.Builder
	for _, g := range r.Groups {
		b.WriteString(g.Text(files...))
	}
	lines := func(format string, of ...[]string) {
		for _, list := range of {
			for _, line := range list {
				fmt.Fprintf(&b, format, line)
			}
		}
	}
	lines("removed: %s, whose requests are not compared\n", r.Removed)
	lines("added: %s, whose requests are not compared\n", r.Added)
	lines("not compared: %s\n", r.Limits, notCompared)
	lines("assumed: %s\n", assumed)
	switch n := len(r.Groups); n {
	case 0:
		b.WriteString(none)
	case 1:
		b.WriteString("1 difference")
	default:
		fmt.Fprintf(&b, "%d differences", n)
	}
	fmt.Fprintf(&b, " (%d kinds of requests compared)\n", r.Compared)
	return b.String()
}
