package up

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/workload"
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
	return l.On && (len(l.Of) == 0 || slices.ContainsFunc(l.Of, func(of string) bool { return workload.Named(deployment, of) }))
}

// check returns an error unless every name is that of a workload of the overlay.
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
		return fmt.Errorf("--logs: no workload has the name or app %s; there are %s", of, strings.Join(slices.Compact(names), ", "))
	}
	return nil
}

// text returns a line as it is shown.
func (l Logs) text(line workload.Line) string {
	if l.JSON {
		return line.Text
	}
	return readable(line.Text)
}

// said lists the fields of a log line that are omitted: the prefix with the pod's name already contains them, or only machines need them.
var said = []string{"ts", "level", "msg", "service", "version", "caller", "span_id"}

// readable formats a JSON log line as text: "INFO request code=200 method=GET …". It returns any other text unchanged.
func readable(text string) string {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var fields map[string]any
	if decoder.Decode(&fields) != nil || fields["msg"] == nil {
		return text
	}
	var b strings.Builder
	if level, ok := fields["level"].(string); ok {
		b.WriteString(strings.ToUpper(level) + " ")
	}
	fmt.Fprint(&b, fields["msg"])
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(said, name) {
			b.WriteString(" " + name + "=" + fieldText(fields[name]))
		}
	}
	return b.String()
}

// fieldText formats the value of a field, quoted if its end would be ambiguous otherwise.
func fieldText(value any) string {
	switch v := value.(type) {
	case string:
		if v == "" || strings.ContainsAny(v, " \t\"=") {
			return strconv.Quote(v)
		}
		return v
	case json.Number:
		return v.String()
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
