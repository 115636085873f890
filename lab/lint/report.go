package lint

import (
	"fmt"
	"io"
	"strings"

	"github.com/hopline/hopline/lab/internal/actions"
	"github.com/hopline/hopline/lab/internal/tty"
)

// Report holds the findings of a run, with what they must be read with.
type Report struct {
	Findings    []Finding
	Silenced    int // by annotations
	LeftOut     string
	NotComputed []string
	Assumed     []string
}

// lines returns the report as text: a line for each finding that begins with its place, and a summary.
func (r *Report) lines() (lines []string) {
	for _, f := range r.Findings {
		lines = append(lines, f.String())
	}
	for _, line := range r.NotComputed {
		lines = append(lines, "not checked: "+line)
	}
	for _, line := range r.Assumed {
		lines = append(lines, "assumed: "+line)
	}
	summary := "no fault found"
	switch n := len(r.Findings); {
	case n == 1:
		summary = "1 fault found"
	case n > 1:
		summary = fmt.Sprintf("%d faults found", n)
	}
	if r.Silenced > 0 {
		summary += fmt.Sprintf(", %d silenced", r.Silenced)
	}
	return append(lines, summary)
}

// String returns the finding in one line: "rules.yaml:12: HL001 VirtualService shop/b: spec.http[1]: is never reached: …".
func (f Finding) String() string {
	place := ""
	if f.File != "" && f.Line > 0 {
		place = fmt.Sprintf("%s:%d: ", f.File, f.Line)
	} else if f.File != "" {
		place = f.File + ": "
	}
	return place + f.Code + " " + strings.Join([]string{f.Object, f.Path, f.Text}, ": ")
}

// document is a report as JSON. No list is null.
type document struct {
	Findings    []Finding `json:"findings"`
	Silenced    int       `json:"silenced"`
	LeftOut     string    `json:"left_out"`
	NotComputed []string  `json:"not_computed"`
	Assumed     []string  `json:"assumed"`
}

func (r *Report) writeJSON(out io.Writer) error {
	return tty.WriteJSON(out, document{append([]Finding{}, r.Findings...), r.Silenced, r.LeftOut, append([]string{}, r.NotComputed...), append([]string{}, r.Assumed...)})
}

// annotate writes an annotation of GitHub Actions for each finding.
func (r *Report) annotate(out io.Writer) error {
	for _, f := range r.Findings {
		if err := actions.Annotate(out, actions.Error, f.File, f.Line, f.Code+" "+f.Object, f.Path+": "+f.Text); err != nil {
			return err
		}
	}
	return nil
}
