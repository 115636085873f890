package overlay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong: with which object, where in it, and what was wanted instead.
type Problem struct {
	File   string // "deploy/overlays/canary/middle.yaml", from where the user stands; empty when it is not known
	Line   int    // of File, from 1; 0 when it is not known or the file as a whole is meant
	Object string // "VirtualService hopline/middle"; or the file or directory when the trouble comes before any object
	Path   string // "spec.http[0].route[1].weight"; empty when the object as a whole is meant
	Reason string // "unknown field; did you mean weight?"
}

// Error is the problem in one line, which begins as editors and terminals know places in files:
// "middle.yaml:12: VirtualService hopline/middle: spec.http[0].timeout: want a duration, got …".
func (p Problem) Error() string {
	parts := make([]string, 0, 4)
	object := p.Object
	if object == p.File {
		object = ""
	}
	for _, s := range []string{p.Place(), object, p.Path, p.Reason} {
		if s != "" {
			parts = append(parts, oneLine.Replace(s))
		}
	}
	return strings.Join(parts, ": ")
}

// oneLine keeps a name with a line end in it from looking like another problem.
var oneLine = strings.NewReplacer("\n", `\n`, "\r", `\r`)

// Place is the file with the line, where they are known: "middle.yaml:12".
func (p Problem) Place() string {
	if p.File == "" || p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// Report is everything that is wrong with an overlay, told at once. It is an error when it holds any problem; see Err.
type Report struct {
	Problems []Problem

	places *places // where objects come from; nil when nobody knows
}

// Report is a new report on an overlay: Err adds the places of its problems. What Load found is not in it.
func (o *Overlay) Report() *Report { return &Report{places: o.places} }

// Add notes one more problem. The reason is formatted as by fmt.Sprintf.
func (r *Report) Add(object, path, reason string, args ...any) {
	r.Problems = append(r.Problems, Problem{Object: object, Path: path, Reason: fmt.Sprintf(reason, args...)})
}

// Join puts the problems of several errors into one report; an error that is no report becomes a problem of its own. It returns nil when
// all are nil.
func Join(errs ...error) error {
	var all Report
	for _, err := range errs {
		var report *Report
		switch {
		case errors.As(err, &report):
			all.Problems = append(all.Problems, report.Problems...)
		case err != nil:
			all.Problems = append(all.Problems, Problem{Reason: err.Error()})
		}
	}
	return all.Err()
}

// Err is nil when nothing is wrong, otherwise the report with its problems sorted by object and path and without repetitions, so
// that the same overlay always gives the same text.
func (r *Report) Err() error {
	if r == nil || len(r.Problems) == 0 {
		return nil
	}
	sorted := slices.Clone(r.Problems)
	for i, p := range sorted {
		if p.File == "" {
			at := r.places.find(p.Object, p.Path)
			sorted[i].File, sorted[i].Line = at.file, at.line
		}
	}
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), comparePaths(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Place(), b.Place()))
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
