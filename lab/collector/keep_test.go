package collector

import (
	"fmt"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hopline/hopline/lab/zipkin"
)

const (
	perSecond = 50
	begin     = int64(1_700_000_000_000_000) // of the first trace, in microseconds since 1970
)

// timedRequest returns the ten spans of the n-th request at 50 a second: five services, each with its proxy, below a gateway whose span
// name does not contain the path.
func timedRequest(n int, route string, duration int64, tags map[string]string) []*zipkin.Span {
	var spans []*zipkin.Span
	for i := range 10 {
		span := hop(n, i)
		span.TraceID = id(n)
		span.Timestamp, span.Duration = begin+int64(n)*1_000_000/perSecond+int64(i), duration-int64(i)
		if i%2 == 0 {
			span.Name = "middle.hopline.svc.cluster.local:80/*"
			span.Tags = slices.DeleteFunc(span.Tags, func(t zipkin.Tag) bool { return t.Key == "http.route" })
		} else {
			span.Tags = span.Tags.With(zipkin.Tags{{Key: "http.route", Value: route}})
		}
		spans = append(spans, span)
	}
	spans[9].Tags = spans[9].Tags.With(zipkin.TagsOf(tags))
	return spans
}

// id returns the id of the n-th request's trace.
func id(n int) string { return fmt.Sprintf("%016x", n+1) }

// stored fails unless all spans of the n-th request are there.
func stored(t *testing.T, s *Store, what string, n int) {
	t.Helper()
	if spans, err := s.Trace(id(n)); err != nil || len(spans) != 10 {
		t.Errorf("%s, request %d: %d spans, %v; want 10", what, n, len(spans), err)
	}
}

// TestWhatPeopleLookFor sends ten minutes of ordinary requests, a slow page in the first of them, and occasional failures.
func TestWhatPeopleLookFor(t *testing.T) {
	t.Parallel()
	const requests, slowPage, slowHops, failure = 30_000, 100, 200, 300
	c := start(t, Options{Registry: prometheus.NewRegistry()})
	limits := c.limits
	for n := range requests {
		switch {
		case n == slowPage:
			c.accept(timedRequest(n, "/slow-page", 3_000_000, nil))
		case n == slowHops:
			c.accept(timedRequest(n, "/hops", 900_000, nil))
		case n%1000 == failure:
			c.accept(timedRequest(n, "/hops", 5_000, map[string]string{"error": "500"}))
		default:
			c.accept(timedRequest(n, "/hops", 20_000+int64(n%97), nil))
		}
		if n%1000 == 0 {
			if got := c.Stats(); got.Spans > limits.Spans || got.Bytes > limits.Bytes {
				t.Fatalf("after %d requests: %+v, beyond %+v", n, got, limits)
			}
		}
	}
	stored(t, c.Store, "the slow page of the first minute", slowPage)
	stored(t, c.Store, "the slowest hops of the first minute", slowHops)
	for n := failure; n < requests; n += 1000 {
		stored(t, c.Store, "a failure", n)
	}
	stored(t, c.Store, "the newest", requests-1)
	found, err := c.Search(Query{EndTs: 1 << 50, Lookback: 1 << 50, MinDuration: 3_000_000})
	if err != nil || len(found) != 1 || found[0][0].TraceID != id(slowPage) {
		t.Errorf("a search for what took 3 s finds %d traces, %v; want the slow page", len(found), err)
	}
	got := c.Stats()
	if dropped := int(testutil.ToFloat64(c.metrics.evicted)); got.Spans+dropped != 10*requests {
		t.Errorf("%d spans stored and %d counted as evicted, of %d", got.Spans, dropped, 10*requests)
	}
	if got.Spans < limits.Spans/2 && got.Bytes < limits.Bytes/2 {
		t.Errorf("%+v: less than half of the limits is used", got)
	}
}

// TestFailuresLeaveRoom: when every request fails, earlier slow traces stay, and new traces still have room.
func TestFailuresLeaveRoom(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Limits: Limits{Spans: 4000}})
	c.accept(timedRequest(0, "/slow-page", 3_000_000, nil))
	for n := 1; n < 20_000; n++ {
		c.accept(timedRequest(n, "/hops", 1_000, map[string]string{"error": ""}))
	}
	stored(t, c.Store, "the slow page before the failures", 0)
	for n := 20_000 - 200; n < 20_000; n++ { // half of the limit is theirs
		stored(t, c.Store, "a failure of the last seconds", n)
	}
	if got := c.Stats().Spans; got > 4000 {
		t.Errorf("%d spans in a store of 4000", got)
	}
}

// TestKeptTracesGrow: late spans count for their trace, which is evicted when it no longer fits its share.
func TestKeptTracesGrow(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Limits: Limits{Spans: 400}})
	c.accept(timedRequest(0, "/slow-page", 3_000_000, nil))
	for n := 1; n < 1000; n++ {
		c.accept(timedRequest(n, "/hops", 1_000, nil))
	}
	stored(t, c.Store, "the slow page", 0)
	for late := range 61 { // with the last of them it has 71 spans, and the three slowest others have 30
		if spans, _ := c.Trace(id(0)); len(spans) != 10+late {
			t.Fatalf("%d spans after %d late ones, want %d", len(spans), late, 10+late)
		}
		span := hop(0, 100+late)
		span.TraceID = id(0)
		c.accept([]*zipkin.Span{span})
	}
	if spans, _ := c.Trace(id(0)); len(spans) != 0 {
		t.Errorf("a trace of %d spans is kept, more than its place in the share of 100", len(spans))
	}
	if got := c.Stats().Spans; got > 400 {
		t.Errorf("%d spans in a store of 400", got)
	}
	kept, bytes := 0, int64(0)
	for t := c.slow.order.first; t != nil; t = t.later {
		kept, bytes = kept+len(t.spans), bytes+t.bytes
	}
	if kept != c.slow.spans || bytes != c.slow.bytes {
		t.Errorf("%d spans of %d bytes are kept, and %d of %d counted", kept, bytes, c.slow.spans, c.slow.bytes)
	}
}
