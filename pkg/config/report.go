package config

import (
	"fmt"
	"io"
	"strconv"
)

// Report collects the problems of a configuration, so that all of them are printed together.
type Report struct {
	problems []Problem
}

// Problem is one setting that cannot be used.
type Problem struct {
	Variable string // the environment variable, also when the flag of that name was given
	Value    string // what was given
	Want     string // the expected value, such as "a number from 0 to 100"
}

// String returns the line that the user sees.
func (p Problem) String() string {
	return fmt.Sprintf("%s: want %s, got %s", p.Variable, p.Want, strconv.Quote(p.Value))
}

// Add records that variable has value instead of the wanted value. It keeps only the first problem of a variable: the others follow from
// it.
func (r *Report) Add(variable, value, want string) {
	if !r.Has(variable) {
		r.problems = append(r.problems, Problem{variable, value, want})
	}
}

// Has reports whether variable has a problem already. Its value is then the zero value, so checking it makes no sense.
func (r *Report) Has(variable string) bool {
	for _, p := range r.problems {
		if p.Variable == variable {
			return true
		}
	}
	return false
}

// OK reports whether there are no problems.
func (r *Report) OK() bool { return len(r.problems) == 0 }

// Problems returns the problems in the order in which they were added.
func (r *Report) Problems() []Problem { return r.problems }

// Range adds a problem for a number below low or above high.
func Range[N int | float64](r *Report, variable string, value, low, high N) {
	if r.Has(variable) || (value >= low && value <= high) {
		return
	}
	r.Add(variable, fmt.Sprint(value), fmt.Sprintf("a number from %v to %v", low, high))
}

// Print writes one line per problem.
func (r *Report) Print(w io.Writer) {
	for _, p := range r.problems {
		fmt.Fprintln(w, p)
	}
}
