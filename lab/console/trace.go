package console

import (
	"cmp"
	"net/url"
	"slices"

	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/trace"
	"github.com/hopline/hopline/lab/zipkin"
)

// The bounds on what one response shows.
const (
	maxSpans = 2000 // of a trace
	maxLogs  = 1000 // lines of a trace

	maxMembers = 20 // of a summary
)

// Summary is a trace in a list.
type Summary struct {
	ID       string   `json:"id"`
	Start    int64    `json:"start"`    // microseconds since 1970
	Duration int64    `json:"duration"` // microseconds, of the root, or of all spans where the root is missing
	Service  string   `json:"service"`  // of the root, or of the first span where the root is missing
	Title    string   `json:"title"`    // the request, "GET /hops", or else the name of the same span
	Spans    int      `json:"spans"`
	Errors   int      `json:"errors"`   // spans that failed
	Injected bool     `json:"injected"` // a span shows an injected fault
	Status   string   `json:"status"`   // HTTP status of the same span as Service; empty where it names none
	Members  []Member `json:"members"`  // the services that took part, depth first
}

// Member is a service that took part in a trace.
type Member struct {
	Service string `json:"service"`
	Version string `json:"version"` // empty where its spans name none
}

// Detail is a trace with all that the console shows of it.
type Detail struct {
	Summary
	Rows   []Row  `json:"rows"`   // the spans, depth first
	Cause  string `json:"cause"`  // where the failure began, with which status and why, in words; empty where none did
	Origin int    `json:"origin"` // the row where the failure began: the deepest that failed; -1 where none did
	Cut    int    `json:"cut"`    // spans left out, as there are too many
	Logs   []Log  `json:"logs"`
}

// Row is a span in the waterfall.
type Row struct {
	ID          string       `json:"id"`
	Depth       int          `json:"depth"`
	Service     string       `json:"service"`
	Version     string       `json:"version"`
	Proxy       bool         `json:"proxy"` // a gateway's or sidecar's span, not the application's
	Name        string       `json:"name"`
	Kind        zipkin.Kind  `json:"kind"`
	Start       int64        `json:"start"` // microseconds after the trace's start
	Duration    int64        `json:"duration"`
	Status      string       `json:"status"`   // HTTP status, where the span has one
	Error       string       `json:"error"`    // the error tag's value; "error" where that is empty; empty where nothing failed
	Injected    string       `json:"injected"` // the injected fault that the span shows, in words: "latency", "abort by a rule"
	Adopted     bool         `json:"adopted"`  // its parent has not arrived
	Tags        zipkin.Tags  `json:"tags"`
	Annotations []Annotation `json:"annotations"`
	Critical    []interval   `json:"critical"` // when the whole trace waited for this span's own work
}

// Own returns how long the whole trace waited for the span's own work, in microseconds.
func (r Row) Own() (sum int64) {
	for _, i := range r.Critical {
		sum += i.To - i.From
	}
	return sum
}

// Annotation is an event within a span.
type Annotation struct {
	At   int64  `json:"at"` // microseconds after the trace's start
	Text string `json:"text"`
}

// interval is a period, in microseconds after the trace's start.
type interval struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// summarize returns the summary of a trace; spans must not be empty.
func summarize(spans []*zipkin.Span) Summary {
	return summaryOf(trace.Build(spans))
}

func summaryOf(root *trace.Node) Summary {
	begin, end := root.Window()
	first := root.Span
	if first == nil {
		first = root.Children[0].Span
	}
	s := Summary{ID: first.TraceID, Start: begin, Duration: end - begin, Service: serviceOf(first), Title: titleOf(first), Status: statusOf(first), Members: []Member{}}
	if root.Span != nil && root.Span.Duration > 0 {
		s.Duration = root.Span.Duration
	}
	root.Walk(func(n *trace.Node, _ int) {
		s.Spans++
		if errorOf(n.Span) != "" {
			s.Errors++
		}
		s.Injected = s.Injected || injectedOf(n.Span) != ""
		member := Member{serviceOf(n.Span), versionOf(n.Span)}
		if !slices.Contains(s.Members, member) && len(s.Members) < maxMembers {
			s.Members = append(s.Members, member)
		}
	})
	return s
}

func serviceOf(s *zipkin.Span) string {
	if s.LocalEndpoint == nil || s.LocalEndpoint.ServiceName == "" {
		return "unknown"
	}
	return s.LocalEndpoint.ServiceName
}

// versionOf returns the version of the workload that sent a span, as OpenTelemetry and Istio name it. A gateway has none.
func versionOf(s *zipkin.Span) string {
	revision := s.Tags.Get("istio.canonical_revision")
	if revision == "latest" {
		revision = ""
	}
	return cmp.Or(s.Tags.Get("service.version"), revision)
}

// titleOf returns the request that a span describes, by the attribute names of the current and earlier conventions.
func titleOf(s *zipkin.Span) string {
	method := cmp.Or(s.Tags.Get("http.request.method"), s.Tags.Get("http.method"))
	path := s.Tags.Get("url.path")
	if u, err := url.Parse(cmp.Or(s.Tags.Get("url.full"), s.Tags.Get("http.url"))); path == "" && err == nil {
		path = u.Path
	}
	if method == "" || path == "" {
		return cmp.Or(s.Name, s.ID)
	}
	return method + " " + path
}

// statusOf returns the HTTP status of a span, by the attribute names of the current and earlier conventions.
func statusOf(s *zipkin.Span) string {
	return cmp.Or(s.Tags.Get("http.response.status_code"), s.Tags.Get("http.status_code"))
}

// errorOf returns a span's description of its failure; empty where it did not fail.
func errorOf(s *zipkin.Span) string {
	text, failed := s.Tags.Lookup("error")
	if failed && (text == "" || text == "true") {
		return "error"
	}
	return text
}

// detail returns the waterfall of a trace; spans must not be empty.
func detail(spans []*zipkin.Span, lines []podlog.Line) Detail {
	root := trace.Build(spans)
	d := Detail{Summary: summaryOf(root), Rows: []Row{}}
	critical := map[*trace.Node][]interval{}
	for _, s := range root.CriticalPath() {
		critical[s.Node] = append(critical[s.Node], interval{s.From - d.Start, s.To - d.Start})
	}
	root.Walk(func(n *trace.Node, depth int) {
		if len(d.Rows) == maxSpans {
			d.Cut++
			return
		}
		d.Rows = append(d.Rows, d.rowOf(n, depth, some(critical[n])))
	})
	if d.Origin = originOf(d.Rows); d.Origin >= 0 {
		d.Cause = causeOf(d.Rows[d.Origin])
	}
	d.Logs = logsOf(lines, d.Start)
	return d
}

// originOf returns the deepest row that failed, of several the one that ended first; -1 where none did.
func originOf(rows []Row) int {
	origin := -1
	for i, row := range rows {
		if row.Error == "" {
			continue
		}
		if origin < 0 || row.Depth > rows[origin].Depth || row.Depth == rows[origin].Depth && row.end() < rows[origin].end() {
			origin = i
		}
	}
	return origin
}

func (r Row) end() int64 { return r.Start + r.Duration }

func (d *Detail) rowOf(n *trace.Node, depth int, critical []interval) Row {
	s := n.Span
	row := Row{
		ID: s.ID, Depth: depth, Service: serviceOf(s), Version: versionOf(s), Proxy: s.Tags.Get("component") == "proxy", Name: s.Name, Kind: s.Kind, Duration: s.Duration, Error: errorOf(s), Status: statusOf(s),
		Injected: injectedOf(s), Adopted: n.Adopted, Tags: s.Tags, Annotations: []Annotation{}, Critical: critical,
	}
	if s.Timestamp != 0 {
		row.Start = s.Timestamp - d.Start
	}
	for _, a := range s.Annotations {
		row.Annotations = append(row.Annotations, Annotation{At: a.Timestamp - d.Start, Text: a.Value})
	}
	return row
}
