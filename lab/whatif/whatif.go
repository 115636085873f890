// Package whatif computes what other rules would change: which of the last calls of the running lab they would treat differently, and which
// requests at all. It changes and saves nothing. It implements `hopline what-if`.
//
// Files: whatif.go (the computation, in the lab), command.go (the command line).
package whatif

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hopline/hopline/lab/compare"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/traffic"
)

// MaxText bounds the YAML, in bytes.
const MaxText = 1 << 20

// Answer holds what would change.
type Answer struct {
	Problems []Problem       `json:"problems"` // why the text cannot run; then all else is empty
	Objects  []string        `json:"objects"`  // of the text: "VirtualService hopline/middle replaced", "… added"
	Calls    int             `json:"calls"`    // of the last calls that were compared
	Groups   []compare.Group `json:"groups"`   // those of them that would be treated differently
	Any      compare.Result  `json:"any"`      // all requests that callers can send, whether they were seen or not
	Notes    []string        `json:"notes"`    // which calls could not be compared, and why
}

// Problem is one reason why a text cannot run, as the lab reports it for a saved file.
type Problem struct {
	Place  string `json:"place"` // "rule.yaml:12"; empty if it is not known
	Object string `json:"object"`
	Path   string `json:"path"`
	Reason string `json:"reason"`
	Text   string `json:"text"` // all of it in one line
}

// ErrBusy is the error of Ask while it handles another question.
var ErrBusy = errors.New("another what-if is being computed: want one at a time")

// Asker handles one question at a time.
type Asker struct{ busy sync.Mutex }

// Ask returns what would change if the objects of a YAML text were in place of those of the running overlay, or were added to them. name
// names the text in problems. calls are the last calls, the newest first. The error is ErrBusy.
func (a *Asker) Ask(running compare.Rules, name string, text []byte, calls []traffic.Call) (*Answer, error) {
	if !a.busy.TryLock() {
		return nil, ErrBusy
	}
	defer a.busy.Unlock()
	out := &Answer{Problems: []Problem{}, Objects: []string{}, Groups: []compare.Group{}, Notes: []string{}}
	out.Any = compare.Result{Groups: []compare.Group{}, Limits: []string{}, Added: []string{}, Removed: []string{}}
	o, table, err := mesh.Replace(running.Overlay, name, text)
	if err != nil {
		out.Problems = problems(err)
		return out, nil
	}
	edited := compare.Rules{Overlay: o, Table: table}
	out.Objects = o.Changes(running.Overlay)
	seen := out.comparable(calls)
	for _, header := range table.MatchedHeaders() {
		if !slices.Contains(running.Table.MatchedHeaders(), header) {
			out.Notes = append(out.Notes, fmt.Sprintf("the lab has not kept the header %s of the calls, because no running rule matches on it: they are compared as if they had none", header))
		}
	}
	out.Calls, out.Groups = len(seen), compare.Calls(running, edited, seen)
	out.Any = compare.Tables(running, edited)
	return out, nil
}

// comparable returns the calls that a rule decided and that were kept whole.
func (a *Answer) comparable(calls []traffic.Call) []compare.Call {
	var out []compare.Call
	cut := 0
	for _, c := range calls {
		switch {
		case c.Copy || c.Source == nil:
		case c.Cut:
			cut++
		default:
			out = append(out, compare.Call{From: compare.CallerOf(c.Source), Request: c.Request, Trace: c.TraceID})
		}
	}
	if cut > 0 {
		a.Notes = append(a.Notes, fmt.Sprintf("%d calls are left out, because the lab has not kept all of their long texts", cut))
	}
	return out
}

// problems returns the single problems of an error.
func problems(err error) []Problem {
	var report *overlay.Report
	if !errors.As(err, &report) {
		return []Problem{{Reason: err.Error(), Text: err.Error()}}
	}
	out := []Problem{}
	for _, p := range report.Problems {
		one := Problem{Place: p.Place(), Object: p.Object, Path: p.Path, Reason: p.Reason, Text: p.Error()}
		if p.Object == p.File {
			one.Object = "" // the place names it
		}
		out = append(out, one)
	}
	return out
}
