package collector

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/zipkin"
)

// Names are removed with the last span that has them.
func TestNamesAreForgotten(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Limits: Limits{Spans: 2}})
	old := &zipkin.Span{TraceID: "a", ID: "1", Name: "old", LocalEndpoint: &zipkin.Endpoint{ServiceName: "ancient"}, RemoteEndpoint: &zipkin.Endpoint{ServiceName: "gone"},
		Tags: zipkin.Tags{{Key: "http.route", Value: "/old"}}}
	c.Add(old)
	if got := [][]string{c.Services(), c.SpanNames("ancient"), c.RemoteServices("Ancient")}; !cmp.Equal(got, [][]string{{"ancient"}, {"old"}, {"gone"}}) {
		t.Errorf("got %v", got)
	}
	c.Add(hop(0, 0), hop(0, 1))
	if got := [][]string{c.Services(), c.SpanNames("ancient"), c.RemoteServices("ancient")}; !cmp.Equal(got, [][]string{{"front", "middle"}, nil, nil}) {
		t.Errorf("got %v", got)
	}
	if len(c.traces) != 1 || len(c.services) != 2 || len(c.services["front"].names) != 1 {
		t.Errorf("the index keeps what is gone: %d traces, %d services", len(c.traces), len(c.services))
	}
}
