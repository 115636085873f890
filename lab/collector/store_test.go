package collector

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hopline/hopline/lab/zipkin"
)

// hop returns the n-th span of a trace as a service of the suite sends it.
func hop(trace, n int) *zipkin.Span {
	s := &zipkin.Span{
		TraceID: fmt.Sprintf("%032x", trace+1), ID: fmt.Sprintf("%016x", n+1), Kind: zipkin.Server, Name: "get /hops",
		Timestamp: 1_700_000_000_000_000 + int64(trace)*1000 + int64(n), Duration: 1500,
		LocalEndpoint:  &zipkin.Endpoint{ServiceName: [...]string{"front", "middle", "core", "clock"}[n%4]},
		RemoteEndpoint: &zipkin.Endpoint{ServiceName: "caller", IPv4: "127.0.0.1", Port: 1024 + trace%60000},
		Tags:           zipkin.Tags{{Key: "http.request.method", Value: "GET"}, {Key: "http.response.status_code", Value: "200"}, {Key: "http.route", Value: "/hops"}, {Key: "request", Value: fmt.Sprint(trace, "-", n)}},
	}
	if n > 0 {
		s.ParentID = fmt.Sprintf("%016x", n)
	}
	return s
}

// hops returns a range of the spans of a trace.
func hops(trace, from, to int) []*zipkin.Span {
	var spans []*zipkin.Span
	for n := from; n < to; n++ {
		spans = append(spans, hop(trace, n))
	}
	return spans
}

// everything there is, by trace id.
func everything(t testing.TB, s *Store) map[string][]string {
	t.Helper()
	found, err := s.Search(Query{EndTs: 1 << 50, Lookback: 1 << 50, Limit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, spans := range found {
		for _, span := range spans {
			all[span.TraceID] = append(all[span.TraceID], span.ID)
		}
	}
	return all
}

func TestAddIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	for trace := range 50 {
		c.Add(hop(trace, 0), hop(trace, 1))
		c.Add(hop(trace, 2))
		spans, err := c.Trace(fmt.Sprintf("%x", trace+1))
		if err != nil || len(spans) != 3 {
			t.Fatalf("trace %d: %d spans, %v", trace, len(spans), err)
		}
	}
	if got, want := c.Stats().Spans, 150; got != want {
		t.Errorf("%d spans, want %d", got, want)
	}
}

func TestAddRefusesWhatIsNoSpan(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	c := start(t, Options{Registry: registry})
	c.Add(hop(0, 0), &zipkin.Span{TraceID: "x", ID: "1"}, hop(0, 1), &zipkin.Span{})
	if got := c.Stats().Spans; got != 2 {
		t.Errorf("%d spans, want the 2 good ones", got)
	}
	if got := testutil.ToFloat64(c.metrics.invalid); got != 2 {
		t.Errorf("%v invalid spans counted, want 2", got)
	}
}

// While the store is locked, Add still returns, and counts what it drops.
func TestAddNeverWaits(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Limits: Limits{Pending: 10}})
	c.mu.Lock()
	for n := range 100 {
		c.Add(hop(0, n))
	}
	c.mu.Unlock()
	dropped := int(testutil.ToFloat64(c.metrics.overflow))
	if stored := c.Stats().Spans; stored+dropped != 100 || dropped < 80 {
		t.Errorf("%d stored and %d dropped of 100", stored, dropped)
	}
}

func TestTheSameSpanTwiceIsOne(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	other := hop(0, 3)
	other.Tags = zipkin.Tags{{Key: "piece", Value: "2"}}
	for range 3 {
		for n := range 40 { // more than manySpans
			c.Add(hop(0, n))
		}
	}
	c.Add(other)
	if got := c.Stats(); got.Spans != 41 || got.Traces != 1 {
		t.Errorf("%+v, want 41 spans in one trace", got)
	}
}

func TestOldestTracesGoFirst(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	c := start(t, Options{Limits: Limits{Spans: 10}, Registry: registry})
	for trace := range 5 {
		c.Add(hop(trace, 0), hop(trace, 1))
	}
	c.Add(hop(0, 2)) // a late span does not make the first trace younger, and exceeds the limit
	want := map[string][]string{}
	for trace := 1; trace < 5; trace++ {
		want[fmt.Sprintf("%016x", trace+1)] = []string{"0000000000000001", "0000000000000002"}
	}
	if diff := cmp.Diff(want, everything(t, c.Store)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP hopline_collector_spans_dropped_total Spans lost: invalid, overflow (too many waited to be stored), evicted (removed to make room), forward (not accepted by --zipkin).
# TYPE hopline_collector_spans_dropped_total counter
hopline_collector_spans_dropped_total{reason="evicted"} 3
hopline_collector_spans_dropped_total{reason="forward"} 0
hopline_collector_spans_dropped_total{reason="invalid"} 0
hopline_collector_spans_dropped_total{reason="overflow"} 0
# HELP hopline_collector_spans_total Spans received, by transport.
# TYPE hopline_collector_spans_total counter
hopline_collector_spans_total{transport="lab"} 11
hopline_collector_spans_total{transport="otlp"} 0
hopline_collector_spans_total{transport="zipkin"} 0
# HELP hopline_collector_stored_spans Spans in memory.
# TYPE hopline_collector_stored_spans gauge
hopline_collector_stored_spans 8
# HELP hopline_collector_stored_traces Traces in memory.
# TYPE hopline_collector_stored_traces gauge
hopline_collector_stored_traces 4
`), "hopline_collector_spans_dropped_total", "hopline_collector_spans_total", "hopline_collector_stored_spans", "hopline_collector_stored_traces"); err != nil {
		t.Error(err)
	}
}

func TestBytesAreBounded(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	c := start(t, Options{Limits: Limits{Bytes: limit}})
	for trace := range 300 {
		s := hop(trace, 0)
		s.Tags = append(s.Tags, zipkin.Tag{Key: "big", Value: strings.Repeat("x", 10_000)})
		c.Add(s)
		if got := c.Stats().Bytes; got > limit {
			t.Fatalf("%d bytes in a store of %d", got, limit)
		}
	}
	if got := c.Stats().Traces; got < 80 || got > 105 {
		t.Errorf("%d traces of 10 kB in 1 MiB", got)
	}
}

// A trace larger than the store, which a client in a loop may send, is not kept and does no harm.
func TestATraceLargerThanTheStore(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Limits: Limits{Spans: 100}})
	for n := range 1000 {
		c.accept([]*zipkin.Span{hop(0, n)})
	}
	if got := c.Stats(); got.Spans > 100 || got.Traces != 1 {
		t.Errorf("%+v", got)
	}
}

// Senders, searches and subscriptions run concurrently, for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Limits: Limits{Spans: 500}})
	var wg sync.WaitGroup
	for sender := range 4 {
		wg.Go(func() {
			for trace := range 200 {
				c.Add(hop(sender*1000+trace, 0), hop(sender*1000+trace, 1))
				c.accept([]*zipkin.Span{hop(sender*1000+trace, 2)})
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			sub := c.Subscribe(100)
			defer sub.Close()
			for range 50 {
				found, err := c.Search(Query{Service: "front", EndTs: 1 << 50, Lookback: 1 << 50})
				if err != nil || len(found) > 10 {
					t.Errorf("%d traces, %v", len(found), err)
				}
				c.Links(1<<50, 1<<50)
				c.Services()
				sub.Take()
			}
		})
	}
	wg.Wait()
	if got := c.Stats().Spans; got > 500 {
		t.Errorf("%d spans in a store of 500", got)
	}
}

// A full store uses no more memory over time, and its own estimate is close to the real use.
func TestMemoryIsFlat(t *testing.T) {
	const spans = 8_000
	c := start(t, Options{Limits: Limits{Spans: spans, Bytes: 1 << 40}})
	trace := 0
	fill := func(count int) uint64 {
		for range count / 4 {
			c.accept([]*zipkin.Span{hop(trace, 0), hop(trace, 1), hop(trace, 2), hop(trace, 3)})
			trace++
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	empty := fill(0)
	full := fill(spans) - empty
	later := fill(5*spans) - empty
	if estimate := uint64(c.Stats().Bytes); full > 2*estimate || estimate > 2*full {
		t.Errorf("%d spans take %d bytes and are estimated at %d", spans, full, estimate)
	}
	if later > full+full/5 {
		t.Errorf("a full store took %d bytes, and %d after five times as many spans", full, later)
	}
}

// One core's worth of spans through all steps, into a store that is full.
func BenchmarkAccept(b *testing.B) {
	c := start(b, Options{Limits: Limits{Spans: 50_000}})
	for trace := range 13_000 {
		c.accept([]*zipkin.Span{hop(trace, 0), hop(trace, 1), hop(trace, 2), hop(trace, 3)})
	}
	spans := make([][]*zipkin.Span, b.N)
	for i := range spans {
		spans[i] = []*zipkin.Span{hop(13_000+i, 0), hop(13_000+i, 1), hop(13_000+i, 2), hop(13_000+i, 3)}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, batch := range spans {
		c.accept(batch)
	}
	b.ReportMetric(4*float64(b.N)/b.Elapsed().Seconds(), "spans/s")
}
