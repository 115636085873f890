package collector

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/zipkin"
)

// The store of TestSearch: traces named by the letter of their ids, at 1000, 2000, … milliseconds.
func searchable(t *testing.T) *Collector {
	t.Helper()
	c := start(t, Options{})
	span := func(id, parent, trace string, at, duration int64, service, remote, name string, tags map[string]string, annotations ...string) *zipkin.Span {
		s := &zipkin.Span{TraceID: trace, ID: id, ParentID: parent, Name: name, Timestamp: at * 1000, Duration: duration, Tags: zipkin.TagsOf(tags),
			LocalEndpoint: &zipkin.Endpoint{ServiceName: service}, RemoteEndpoint: &zipkin.Endpoint{ServiceName: remote}}
		for _, value := range annotations {
			s.Annotations = append(s.Annotations, zipkin.Annotation{Timestamp: s.Timestamp, Value: value})
		}
		return s
	}
	c.Add(
		span("1", "", "a", 1000, 500, "front", "", "get /", nil, "slow"),
		span("2", "1", "a", 1001, 400, "middle", "core", "get /hops", map[string]string{"error": "", "code": "503"}),
		span("1", "", "b", 2000, 50, "front", "middle", "get /hops", map[string]string{"code": "200"}),
		span("1", "", "c", 3000, 0, "clock", "", "get /time", nil),
		span("2", "9", "d", 4500, 5, "core", "", "late", nil), // its root has not arrived
		span("3", "9", "d", 4000, 5, "core", "", "early", nil),
		span("1", "", "e", 0, 5, "core", "", "never", nil), // without a time
		span("1", "", "1000000000000000f", 5000, 5, "wide", "", "left", nil),
		span("1", "", "2000000000000000f", 5000, 5, "wide", "", "right", nil),
	)
	return c
}

func TestSearch(t *testing.T) {
	t.Parallel()
	c := searchable(t)
	for _, test := range []struct {
		name string
		q    Query
		want string // ids' last digits, newest first
	}{
		{"all, newest first", Query{}, "ffdcba"},
		{"a limit", Query{Limit: 3}, "ffd"},
		{"a service", Query{Service: "front"}, "ba"},
		{"in upper case", Query{Service: "FRONT"}, "ba"},
		{"an unknown service", Query{Service: "nobody"}, ""},
		{"a remote service", Query{RemoteService: "core"}, "a"},
		{"a remote service of a service's own spans", Query{Service: "front", RemoteService: "core"}, ""},
		{"a span's name", Query{SpanName: "GET /hops"}, "ba"},
		{"any name", Query{SpanName: "all"}, "ffdcba"},
		{"a name of a service's own spans", Query{Service: "front", SpanName: "get /hops"}, "b"},
		{"a tag", Query{Tags: ParseTags("error")}, "a"},
		{"a tag's value", Query{Tags: ParseTags("code=200")}, "b"},
		{"an annotation", Query{Tags: ParseTags("slow")}, "a"},
		{"an annotation has no value", Query{Tags: ParseTags("slow=1")}, ""},
		{"both, in different spans", Query{Tags: ParseTags("slow and code=503")}, "a"},
		{"both, in one service's spans", Query{Service: "middle", Tags: ParseTags("slow and code=503")}, ""},
		{"at least", Query{MinDuration: 400}, "a"},
		{"between", Query{MinDuration: 40, MaxDuration: 450}, "ba"},
		{"at least, of a service", Query{Service: "middle", MinDuration: 401}, ""},
		{"until", Query{EndTs: 2999}, "ba"},
		{"until, inclusive", Query{EndTs: 3000, Lookback: 1000}, "cb"},
		{"a trace without a root began with its first span", Query{EndTs: 4499, Lookback: 499}, "d"},
		{"a later span does not make a trace later", Query{EndTs: 4500, Lookback: 499}, ""},
		{"128-bit ids with the same lower half are two traces", Query{SpanName: "right"}, "f"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.q.EndTs == 0 {
				test.q.EndTs = 10_000
			}
			found, err := c.Search(test.q)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, spans := range found {
				got.WriteString(spans[0].TraceID[len(spans[0].TraceID)-1:])
				for _, span := range spans {
					if span.TraceID != spans[0].TraceID {
						t.Errorf("spans of %s and %s in one trace", span.TraceID, spans[0].TraceID)
					}
				}
			}
			if got.String() != test.want {
				t.Errorf("got %q, want %q", got.String(), test.want)
			}
		})
	}
}

func TestSearchRefuses(t *testing.T) {
	t.Parallel()
	c := searchable(t)
	for want, q := range map[string]Query{
		"endTs <= 0":                {EndTs: -1},
		"lookback <= 0":             {Lookback: -1},
		"limit <= 0":                {Limit: -1},
		"minDuration <= 0":          {MinDuration: -1},
		"maxDuration < minDuration": {MinDuration: 5, MaxDuration: 4},
		"maxDuration is only valid with minDuration": {MaxDuration: 4},
	} {
		if found, err := c.Search(q); err == nil || err.Error() != want || found != nil {
			t.Errorf("%+v: got %v, want %s", q, err, want)
		}
	}
}

// Times near the limits of int64 neither overflow nor fail.
func TestSearchOfAllTimes(t *testing.T) {
	t.Parallel()
	c := searchable(t)
	found, err := c.Search(Query{EndTs: 1<<63 - 1, Lookback: 1<<63 - 1, Limit: 1<<63 - 1})
	if err != nil || len(found) != 6 {
		t.Errorf("%d traces, %v; want 6", len(found), err)
	}
}

func TestParseTags(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]map[string]string{
		"":                          nil,
		"error":                     {"error": ""},
		"http.method=GET and error": {"http.method": "GET", "error": ""},
		" a = b and  c ":            {"a": "b", "c": ""},
		"a=b and a":                 {"a": "b"},
		"a and a=b":                 {"a": "b"},
		"a=b and a=c":               {"a": "c"},
		"a=b=c":                     {"a": "b=c"},
		"sand and land=x and y":     {"sand": "", "land": "x", "y": ""},
	} {
		if got := ParseTags(query); !cmp.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", query, got, want)
		}
	}
}

// A search in a full store.
func BenchmarkSearch(b *testing.B) {
	c := start(b, Options{Limits: Limits{Spans: 100_000}})
	for trace := range 25_000 {
		c.accept([]*zipkin.Span{hop(trace, 0), hop(trace, 1), hop(trace, 2), hop(trace, 3)})
	}
	for name, q := range map[string]Query{
		"newest":  {EndTs: 1 << 50, Lookback: 1 << 50},
		"service": {Service: "core", EndTs: 1 << 50, Lookback: 1 << 50},
		"nothing": {Service: "core", Tags: map[string]string{"error": ""}, EndTs: 1 << 50, Lookback: 1 << 50},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := c.Search(q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
