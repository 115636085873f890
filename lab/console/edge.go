package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/traffic"
)

// edgeCalls is the number of calls that the details of an edge list.
const edgeCalls = 20

// EdgeDetail holds the rules and the last calls of one edge.
type EdgeDetail struct {
	ID    string       `json:"id"`
	From  string       `json:"from"`
	To    string       `json:"to"`
	Rules []RuleDetail `json:"rules"`
	Calls []Call       `json:"calls"` // the newest first
}

// RuleDetail is a rule as its file has it.
type RuleDetail struct {
	Object  string   `json:"object"`
	Name    string   `json:"name"`
	Callers string   `json:"callers"`
	Matches []string `json:"matches"` // one of them is enough; none: every request
	Does    []string `json:"does"`    // besides routing
	File    string   `json:"file"`    // empty if no file of the overlay has the rule
	Line    int      `json:"line"`    // of the first line of Text, from 1
	Text    string   `json:"text"`
}

// Call is one of the last requests.
type Call struct {
	Number    uint64 `json:"number"`
	Start     int64  `json:"start"`       // milliseconds since 1970
	Duration  int64  `json:"duration_us"` //
	From      string `json:"from"`        // GraphNode.ID of the caller
	Method    string `json:"method"`
	Authority string `json:"authority"`
	Path      string `json:"path"`
	Status    int    `json:"status"` // 0: no response was sent
	Why       string `json:"why"`    // why it failed; empty if it did not
	Tries     int    `json:"tries"`
	Denied    bool   `json:"denied"`
	Injected  bool   `json:"injected"`
	Copy      bool   `json:"copy"`
	Trace     string `json:"trace"` // 32 hex digits
}

func (c *Console) serveEdge(w http.ResponseWriter, r *http.Request) {
	edition, id := c.source.Edition(), r.PathValue("id")
	c.mu.Lock()
	edges := graphOf(edition, c.source.Edges(time.Now()), c.edgeBaseline).Edges
	c.mu.Unlock()
	i := slices.IndexFunc(edges, func(e GraphEdge) bool { return e.ID == id })
	if i < 0 {
		writeError(w, http.StatusNotFound, fmt.Errorf("edge: want the id of one of the graph's edges, got %q", id))
		return
	}
	e := edges[i]
	out := EdgeDetail{ID: id, From: e.From, To: e.To, Rules: []RuleDetail{}, Calls: []Call{}}
	for _, rule := range e.Rules {
		out.Rules = append(out.Rules, edition.detail(rule))
	}
	for _, call := range c.source.Calls(edgeCalls, func(k traffic.EdgeKey) bool { return edition.isOf(k, e) }) {
		out.Calls = append(out.Calls, callOf(call))
	}
	writeJSON(w, out)
}

// isOf reports whether the requests of a key belong to an edge.
func (e Edition) isOf(k traffic.EdgeKey, edge GraphEdge) bool {
	from, known := e.Graph.Node(k.From.ID())
	return known && from.Service == edge.From && k.To.ID() == edge.To
}

// detail returns a rule with its text.
func (e Edition) detail(rule EdgeRule) RuleDetail {
	out := RuleDetail{Object: rule.Object, Name: rule.Name, Callers: rule.Callers, Matches: []string{}, Does: []string{}}
	path := ""
	i := slices.IndexFunc(e.rules(), func(r mesh.Rule) bool {
		return r.Object == rule.Object && r.Name == rule.Name && r.Callers == rule.Callers
	})
	if i >= 0 {
		r := e.rules()[i]
		path = "spec." + r.Place
		shown := configured([]mesh.Rule{r})[0]
		out.Matches, out.Does = shown.Matches, shown.Does
	}
	if excerpt, ok := e.Overlay.Excerpt(rule.Object, path); ok {
		out.File, out.Line, out.Text = excerpt.File, excerpt.Line, strings.Join(excerpt.Lines, "\n")
	}
	return out
}

func callOf(c traffic.Call) Call {
	out := Call{Number: c.Number, Start: c.Start.UnixMilli(), Duration: c.Duration.Microseconds(), From: c.Edge.From.ID(), Method: c.Request.Method,
		Authority: c.Request.Authority, Path: c.Request.Path, Status: c.Status, Tries: c.Tries, Denied: c.Denied, Injected: c.Injected, Copy: c.Copy, Trace: c.TraceID}
	switch {
	case c.Denied:
		out.Why = "denied by an AuthorizationPolicy"
	case c.Status == 0 || c.Status >= 500 || c.Edge.To.Kind == traffic.Mesh:
		out.Why = reasonText(c.Flags)
	}
	return out
}
