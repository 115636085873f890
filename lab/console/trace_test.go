package console

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/zipkin"
)

// TestBounds requests a trace and logs that exceed the bounds of a page.
func TestBounds(t *testing.T) {
	t.Parallel()
	spans := []*zipkin.Span{{TraceID: traceID, ID: "0000000000000001", Timestamp: 1, Duration: 10}}
	for i := range maxSpans + 4 {
		spans = append(spans, &zipkin.Span{
			TraceID: traceID, ParentID: "0000000000000001", ID: fmt.Sprintf("%016x", i+2), Timestamp: 1, Duration: 1,
			LocalEndpoint: &zipkin.Endpoint{ServiceName: fmt.Sprint("service-", i)},
		})
	}
	d := detail(spans, make([]podlog.Line, maxLogs+1))
	if len(d.Rows) != maxSpans || d.Cut != 5 || d.Spans != maxSpans+5 {
		t.Errorf("%d rows, %d cut, of %d spans; want %d, 5 and %d", len(d.Rows), d.Cut, d.Spans, maxSpans, maxSpans+5)
	}
	if len(d.Members) != maxMembers || len(d.Logs) != maxLogs {
		t.Errorf("%d members and %d lines, want %d and %d", len(d.Members), len(d.Logs), maxMembers, maxLogs)
	}
}

// TestWithoutRoot requests a trace whose root has not arrived.
func TestWithoutRoot(t *testing.T) {
	t.Parallel()
	d := detail([]*zipkin.Span{
		{TraceID: traceID, ParentID: "0000000000000001", ID: "0000000000000002", Timestamp: 1000, Duration: 10, Name: "late"},
		{TraceID: traceID, ParentID: "0000000000000001", ID: "0000000000000003", Timestamp: 900, Duration: 50, Name: "early"},
	}, nil)
	if d.Title != "early" || d.Start != 900 || d.Duration != 110 || len(d.Rows) != 2 || !d.Rows[0].Adopted || d.Rows[1].Start != 100 {
		t.Errorf("the trace is shown as %+v", d)
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		want string
		tags map[string]string
	}{
		{"GET /hops", map[string]string{"http.request.method": "GET", "url.path": "/hops"}},
		{"POST /a b", map[string]string{"http.method": "POST", "http.url": "http://host/a%20b?secret=1"}},
		{"GET /x", map[string]string{"http.request.method": "GET", "url.full": "http://middle/x"}},
		{"name", map[string]string{"http.method": "GET", "http.url": "http://%zz"}},
		{"name", map[string]string{"http.method": "GET"}},
		{"name", nil},
	} {
		if got := titleOf(&zipkin.Span{Name: "name", Tags: zipkin.TagsOf(test.tags)}); got != test.want {
			t.Errorf("%v: %q, want %q", test.tags, got, test.want)
		}
	}
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Log{
		`{"level":"WARN","msg":"slow","b":1,"a":"x y","trace_id":"t","caller":"c"}`: {Level: "warn", Message: "slow", Fields: `a="x y" b=1`},
		`{"msg":"request","bytes":1048576}`:                                         {Message: "request", Fields: "bytes=1048576"},
		`{"msg":7}`:                                                                 {Message: "7"},
		`null`:                                                                      {Message: "null"},
		`{"msg":"a"} {}`:                                                            {Message: `{"msg":"a"} {}`},
		`[1,2]`:                                                                     {Message: "[1,2]"},
		`"text"`:                                                                    {Message: `"text"`},
		"\x1b[31mpanic\x1b[0m":                                                      {Message: "\x1b[31mpanic\x1b[0m"},
		`{"ts":"not a time"}`:                                                       {},
		strings.Repeat("{", 99):                                                     {Message: strings.Repeat("{", 99)},
	} {
		got := logOf(podlog.Line{Text: text}, 0)
		got.At = 0
		if got != want {
			t.Errorf("%q is taken apart as %+v, want %+v", text, got, want)
		}
	}
}

// TestOrigin checks that the origin of a failure is the deepest span that failed, and of siblings the one that ended first.
func TestOrigin(t *testing.T) {
	t.Parallel()
	span := func(id, parent string, start, duration uint, tags map[string]string) *zipkin.Span {
		return &zipkin.Span{TraceID: traceID, ID: "000000000000000" + id, ParentID: parent, Timestamp: 1000 + int64(start), Duration: int64(duration), Name: id, Tags: zipkin.TagsOf(tags)}
	}
	failed := map[string]string{"error": "true", "http.status_code": "503"}
	root := span("1", "", 0, 100, map[string]string{"error": "500", "http.response.status_code": "500"})
	for name, test := range map[string]struct {
		spans []*zipkin.Span
		want  string
	}{
		"the only one": {[]*zipkin.Span{root}, "1"},
		"the deepest":  {[]*zipkin.Span{root, span("2", "0000000000000001", 10, 50, failed), span("3", "0000000000000002", 20, 20, failed), span("4", "0000000000000003", 25, 5, nil)}, "3"},
		"the first":    {[]*zipkin.Span{root, span("2", "0000000000000001", 10, 50, failed), span("3", "0000000000000001", 11, 20, failed)}, "3"},
		"none":         {[]*zipkin.Span{span("1", "", 0, 100, nil)}, ""},
	} {
		d := detail(test.spans, nil)
		got := ""
		if d.Origin >= 0 {
			got = d.Rows[d.Origin].Name
		}
		if got != test.want {
			t.Errorf("%s: it began at %q, want %q", name, got, test.want)
		}
	}
	if d := detail([]*zipkin.Span{root, span("2", "0000000000000001", 10, 50, failed)}, nil); d.Status != "500" || d.Rows[1].Status != "503" {
		t.Errorf("the trace has the status %q and its second span %q, want 500 and 503", d.Status, d.Rows[1].Status)
	}
}
