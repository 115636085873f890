package overlay

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong: with which object, where in it, and what was wanted instead.
type Problem struct {
	Object string // "VirtualService hopline/middle"; or the file or directory when the trouble comes before any object
	Path   string // "spec.http[0].route[1].weight"; empty when the object as a whole is meant
	Reason string // "unknown field; did you mean weight?"
}

// Error is the problem in one line: "VirtualService hopline/middle: spec.http[0].timeout: want a duration, got …".
func (p Problem) Error() string {
	parts := make([]string, 0, 3)
	for _, s := range []string{p.Object, p.Path, p.Reason} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Report is everything that is wrong with an overlay, told at once. It is an error when it holds any problem; see Err.
type Report struct {
	Problems []Problem
}

// Add notes one more problem. The reason is formatted as by fmt.Sprintf.
func (r *Report) Add(object, path, reason string, args ...any) {
	r.Problems = append(r.Problems, Problem{Object: object, Path: path, Reason: fmt.Sprintf(reason, args...)})
}

// Err is nil when nothing is wrong, otherwise the report with its problems sorted by object and path and without repetitions, so
// that the same overlay always gives the same text.
func (r *Report) Err() error {
	if r == nil || len(r.Problems) == 0 {
		return nil
	}
	sorted := slices.Clone(r.Problems)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), comparePaths(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason))
	})
	return &Report{Problems: slices.Compact(sorted)}
}

// Error is one line for each problem.
func (r *Report) Error() string {
	lines := make([]string, len(r.Problems))
	for i, p := range r.Problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives every problem to errors.Is and errors.As.
func (r *Report) Unwrap() []error {
	errs := make([]error, len(r.Problems))
	for i, p := range r.Problems {
		errs[i] = p
	}
	return errs
}

// comparePaths orders field paths so that http[2] comes before http[10].
func comparePaths(a, b string) int {
	for a != "" && b != "" {
		na, nb := leadingDigits(a), leadingDigits(b)
		if na != "" && nb != "" {
			// A longer number without leading zeros is the greater one.
			if c := cmp.Or(cmp.Compare(len(na), len(nb)), cmp.Compare(na, nb)); c != 0 {
				return c
			}
			a, b = a[len(na):], b[len(nb):]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) string {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i]
}
