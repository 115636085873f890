package compare

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/mesh"
)

// Group holds the requests that differ in the same way.
type Group struct {
	Differences []Difference `json:"differences"` // at least one
	Count       int          `json:"count"`       // of calls; of Tables, of combinations of conditions
	Callers     []string     `json:"callers"`     // names, sorted
	Example     Example      `json:"example"`     // the first one
}

// Example is one request of a group.
type Example struct {
	From   string      `json:"from"` // the caller as --from of hopline explain takes it; empty for a client outside
	Method string      `json:"method"`
	URL    string      `json:"url"` // "http://middle/hops"
	Header http.Header `json:"header"`
	Trace  string      `json:"trace"` // the trace of a call; else empty

	RuleBefore string `json:"rule_before"` // the rule that matches it; empty for none
	RuleAfter  string `json:"rule_after"`
}

// Example describes a request in the form that hopline explain accepts for the rules.
func (r Rules) Example(req *mesh.Request, from Caller) Example {
	e := Example{From: from.Name, Method: req.Method, URL: "http://" + req.Authority + req.Path, Header: req.Header}
	entry, err := r.Table.EntryGateway()
	switch {
	case err == nil && from.Source.Gateway && from.Source.Workload == entry.Workload && from.Source.Namespace == entry.Namespace:
		e.From = ""
	case from.Stranger:
		e.From = from.Source.Namespace + "/"
	}
	if !from.Source.Gateway && req.Port != 80 && !strings.HasSuffix(req.Authority, ":"+strconv.Itoa(req.Port)) {
		e.URL = "http://" + req.Authority + ":" + strconv.Itoa(req.Port) + req.Path
	}
	return e
}

// Lines returns the headers as "name: value", sorted.
func (e Example) Lines() []string {
	lines := []string{}
	for _, name := range slices.Sorted(maps.Keys(e.Header)) {
		for _, value := range e.Header[name] {
			lines = append(lines, name+": "+value)
		}
	}
	return lines
}

// Command returns the command line that explains the example, by the rules of the files that -f names; without any, by those of the running lab.
func (e Example) Command(files ...string) string {
	words := []string{"hopline", "explain"}
	for _, name := range files {
		words = append(words, "-f", tty.ShellWord(name))
	}
	for _, line := range e.Lines() {
		words = append(words, "-H", tty.ShellWord(line))
	}
	if e.From != "" {
		words = append(words, "--from", tty.ShellWord(e.From))
	}
	return strings.Join(append(words, tty.ShellWord(e.Method), tty.ShellWord(e.URL)), " ")
}

// Text returns the differences with the shares, the callers, and the command that explains the example by the rules in files.
func (g *Group) Text(files ...string) string {
	var b strings.Builder
	for _, d := range g.Differences {
		fmt.Fprintf(&b, "%s: %s -> %s\n", d.Aspect, d.Before, d.After)
		for _, s := range d.Shares {
			fmt.Fprintf(&b, "  %7s -> %7s  %s\n", Percent(s.Before), Percent(s.After), s.Destination)
		}
	}
	fmt.Fprintf(&b, "  from %s\n  such as %s\n", strings.Join(g.Callers, ", "), g.Example.Command(files...))
	return b.String()
}

// groups collects differences.
type groups struct {
	list []*Group
	by   map[string]*Group
}

// add adds one request with its differences, if it has any, for some callers.
func (g *groups) add(differences []Difference, callers []string, example func() Example) {
	if len(differences) == 0 {
		return
	}
	var key strings.Builder
	for _, d := range differences {
		key.WriteString(string(d.Aspect) + "\x00" + d.Before + "\x00" + d.After + "\x00")
	}
	if g.by == nil {
		g.by = map[string]*Group{}
	}
	group := g.by[key.String()]
	if group == nil {
		group = &Group{Differences: differences, Example: example()}
		g.by[key.String()] = group
		g.list = append(g.list, group)
	}
	group.Count++
	for _, name := range callers {
		if i, found := slices.BinarySearch(group.Callers, name); !found {
			group.Callers = slices.Insert(group.Callers, i, name)
		}
	}
}

// sorted returns the groups, those with the most requests first; otherwise in the order in which they were found.
func (g *groups) sorted() []Group {
	out := make([]Group, len(g.list))
	for i, group := range g.list {
		out[i] = *group
	}
	slices.SortStableFunc(out, func(a, b Group) int { return cmp.Compare(b.Count, a.Count) })
	return out
}
