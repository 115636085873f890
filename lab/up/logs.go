package up

import (
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/logline"
	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/internal/usage"
	"github.com/hopline/hopline/lab/overlay"
)

// Logs selects which output of the processes is shown, and how.
type Logs struct {
	On   bool
	Of   []string // names or apps of workloads; empty: all workloads
	JSON bool     // show lines as written; otherwise JSON lines are formatted as text
}

// wants reports whether a workload's output is shown. deployment is namespace/name.
func (l Logs) wants(deployment string) bool {
	return l.On && (len(l.Of) == 0 || slices.ContainsFunc(l.Of, func(of string) bool { return podlog.Named(deployment, of) }))
}

// check returns an error unless the overlay has a workload of every name.
func (l Logs) check(o *overlay.Overlay) error {
	for _, of := range l.Of {
		one := Logs{On: true, Of: []string{of}}
		if slices.ContainsFunc(o.Deployments, func(d overlay.Deployment) bool { return one.wants(d.Namespace + "/" + d.Name) }) {
			continue
		}
		var names []string
		for _, d := range o.Deployments {
			names = append(names, d.Name)
		}
		slices.Sort(names)
		return usage.Errorf("--logs: no workload has the name or app %s; there are %s", of, strings.Join(slices.Compact(names), ", "))
	}
	return nil
}

// text returns a line as it is shown.
func (l Logs) text(line podlog.Line) string {
	if l.JSON {
		return line.Text
	}
	return readable(line.Text)
}

// readable formats a JSON log line as text: "INFO request code=200 method=GET …". It returns a text that is no such line, or has no message,
// unchanged.
func readable(text string) string {
	line, ok := logline.Parse(text)
	if !ok || line.Message == "" {
		return text
	}
	parts := []string{strings.ToUpper(line.Level), line.Message, logline.Join(line.Fields)}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " ")
}
