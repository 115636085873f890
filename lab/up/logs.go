package up

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/workload"
)

// Logs says which of the processes' output is shown, and how.
type Logs struct {
	On   bool
	Of   []string // of workloads with these names or apps; empty: of all
	JSON bool     // as written; else lines of JSON become text
}

// wants reports whether a workload's output is shown. Deployment is namespace/name, and its name begins with the app.
func (l Logs) wants(deployment string) bool {
	_, name, _ := strings.Cut(deployment, "/")
	return l.On && (len(l.Of) == 0 || slices.ContainsFunc(l.Of, func(of string) bool {
		return of == name || of == deployment || strings.HasPrefix(name, of+"-")
	}))
}

// check wants every name to be that of a workload of the overlay.
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

// text is a line as it is shown.
func (l Logs) text(line workload.Line) string {
	if l.JSON {
		return line.Text
	}
	return readable(line.Text)
}

// said are the fields of a log line that the pod's name before it says already, or that only machines look for.
var said = []string{"ts", "level", "msg", "service", "version", "caller", "span_id"}

// readable is a log line of JSON as text: "INFO request code=200 method=GET …". What is no JSON with a message stays as it is.
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

// fieldText is the value of a field, quoted where its end could not be told otherwise.
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
