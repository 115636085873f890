package config

import (
	"fmt"
	"io"
	"strconv"
)

// Report collects what is wrong with a configuration, so that all of it is told at once.
type Report struct {
	problems []Problem
}

// Problem is one setting that cannot be used.
type Problem struct {
	Variable string // the environment variable, also when the flag of that name was used
	Value    string // what was given
	Want     string // what would have been right, such as "a number from 0 to 100"
}

// String is the line that the user sees.
func (p Problem) String() string {
	return fmt.Sprintf("%s: want %s, got %s", p.Variable, p.Want, strconv.Quote(p.Value))
}

// Add notes that variable holds value where want was wanted. Only the first problem of a variable is kept:
// what follows from it would be noise.
func (r *Report) Add(variable, value, want string) {
	if !r.Has(variable) {
		r.problems = append(r.problems, Problem{variable, value, want})
	}
}

// Has tells whether variable has a problem already. Its value is then the zero value, and no check of it means anything.
func (r *Report) Has(variable string) bool {
	for _, p := range r.problems {
		if p.Variable == variable {
			return true
		}
	}
	return false
}

// OK is true as long as nothing was added.
func (r *Report) OK() bool { return len(r.problems) == 0 }

// Problems lists what was added, in order.
func (r *Report) Problems() []Problem { return r.problems }

// Range notes a number outside of low to high, both allowed.
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
