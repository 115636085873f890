package cases

import (
	"fmt"
	"io"
	"strings"

	"github.com/hopline/hopline/lab/internal/tty"
)

// Report holds the results of a run.
type Report struct {
	Files        int
	Results      []Result
	Coverage     Coverage
	ShowCoverage bool
	FailUnder    float64 // percent of the rules that the cases have to cover
}

// Failed reports whether a case failed, or the cases cover too few rules.
func (r *Report) Failed() bool { return r.failures() > 0 || r.Coverage.Percent() < r.FailUnder }

func (r *Report) failures() (n int) {
	for i := range r.Results {
		if len(r.Results[i].Failures) > 0 {
			n++
		}
	}
	return n
}

// writeText writes every failure with the text of explain, then a summary.
func (r *Report) writeText(out io.Writer) error {
	var b strings.Builder
	for i := range r.Results {
		if result := &r.Results[i]; len(result.Failures) > 0 {
			b.WriteString(result.text())
		}
	}
	failed := r.failures()
	if failed > 0 {
		fmt.Fprintf(&b, "%d of %d cases failed\n", failed, len(r.Results))
	} else {
		fmt.Fprintf(&b, "%d cases passed\n", len(r.Results))
	}
	if r.ShowCoverage {
		b.WriteString(strings.Join(r.Coverage.lines(), "\n") + "\n")
	}
	if r.Coverage.Percent() < r.FailUnder {
		fmt.Fprintf(&b, "coverage is under %g %%\n", r.FailUnder)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// text returns a failed case with its failures and the text of explain.
func (r *Result) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "FAIL %s: %s\n", r.Place(), r.Name)
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "     %s\n", f)
	}
	if r.Answer != nil {
		for _, line := range strings.Split(strings.TrimSpace(r.Answer.String()), "\n") {
			fmt.Fprintf(&b, "     | %s\n", line)
		}
	}
	return b.String()
}

// document is a report as JSON.
type document struct {
	Passed   int               `json:"passed"`
	Failed   int               `json:"failed"`
	Cases    []caseDocument    `json:"cases"`
	Coverage *coverageDocument `json:"coverage,omitempty"`
}

type caseDocument struct {
	Name     string   `json:"name"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Failures []string `json:"failures"`          // empty: passed
	Explain  string   `json:"explain,omitempty"` // of a failed case
}

type coverageDocument struct {
	Percent float64  `json:"percent"`
	Rules   int      `json:"rules"`
	Missed  []Missed `json:"missed"`
}

func (r *Report) writeJSON(out io.Writer) error {
	d := document{Failed: r.failures(), Cases: []caseDocument{}}
	d.Passed = len(r.Results) - d.Failed
	for i := range r.Results {
		result := &r.Results[i]
		c := caseDocument{Name: result.Name, File: result.File, Line: result.Line, Failures: []string{}}
		if c.Failures = append(c.Failures, result.Failures...); len(c.Failures) > 0 && result.Answer != nil {
			c.Explain = result.Answer.String()
		}
		d.Cases = append(d.Cases, c)
	}
	if r.ShowCoverage {
		d.Coverage = &coverageDocument{Percent: r.Coverage.Percent(), Rules: r.Coverage.Rules, Missed: append([]Missed{}, r.Coverage.Missed...)}
	}
	return tty.WriteJSON(out, d)
}
