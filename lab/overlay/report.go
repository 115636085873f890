package overlay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/fieldpath"
)

// Problem describes one mistake: the object, the field in it, and the wanted value.
type Problem struct {
	File   string // "deploy/overlays/canary/middle.yaml", relative to the user's working directory; empty if unknown
	Line   int    // line of File, from 1; 0 if unknown, or for the whole file
	Object string // "VirtualService hopline/middle", or the file or directory if the problem is not in an object
	Path   string // "spec.http[0].route[1].weight"; empty for the whole object
	Reason string // "unknown field; did you mean weight?"
}

// Error returns the problem in one line. It begins with the place in the form that editors and terminals recognize: "middle.yaml:12:
// VirtualService hopline/middle: spec.http[0].timeout: want a duration, got …".
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

// IsLimit reports whether the problem is a limit of the lab, and not a mistake: Istio accepts the object. The reason of such a problem, and of
// no other one, names the lab.
func (p Problem) IsLimit() bool { return strings.Contains(p.Reason, "the lab") }

// oneLine escapes line ends, so that a name cannot look like another problem.
var oneLine = strings.NewReplacer("\n", `\n`, "\r", `\r`)

// Place returns the file with the line, if known: "middle.yaml:12".
func (p Problem) Place() string {
	if p.File == "" || p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// Report collects all problems of an overlay. It is an error if it holds any problem; see Err.
type Report struct {
	Problems []Problem

	places *places // where objects come from; nil if unknown
}

// Report returns a new report on an overlay: Err adds the places of its problems. It does not contain the problems that Load found.
func (o *Overlay) Report() *Report { return &Report{places: o.places} }

// Add adds a problem. The reason is formatted as by fmt.Sprintf.
func (r *Report) Add(object, path, reason string, args ...any) {
	r.Problems = append(r.Problems, Problem{Object: object, Path: path, Reason: fmt.Sprintf(reason, args...)})
}

// Join combines the problems of several errors in one report; an error that is not a report becomes one problem. It returns nil if all are
// nil.
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

// Err returns nil if there are no problems, otherwise a report of what Located returns.
func (r *Report) Err() error {
	if r == nil || len(r.Problems) == 0 {
		return nil
	}
	return &Report{Problems: r.Located()}
}

// Located returns the problems with their places, sorted by object and path and without duplicates, so that the same overlay always gives the
// same text.
func (r *Report) Located() []Problem {
	sorted := slices.Clone(r.Problems)
	for i, p := range sorted {
		if p.File == "" {
			at := r.places.find(p.Object, p.Path)
			sorted[i].File, sorted[i].Line = at.file, at.line
		}
	}
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), fieldpath.Compare(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Place(), b.Place()))
	})
	return slices.Compact(sorted)
}

// Error returns one line per problem.
func (r *Report) Error() string {
	lines := make([]string, len(r.Problems))
	for i, p := range r.Problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns every problem, for errors.Is and errors.As.
func (r *Report) Unwrap() []error {
	errs := make([]error, len(r.Problems))
	for i, p := range r.Problems {
		errs[i] = p
	}
	return errs
}

// problems adds problems of one object to a report.
type problems struct {
	report *Report
	object string
}

func (p problems) add(path, reason string, args ...any) {
	p.report.Add(p.object, path, reason, args...)
}
