package collector

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hopline/hopline/lab/zipkin"
)

// anySpan draws a normalized span whose texts repeat in some spans and not in others.
func anySpan(t *rapid.T) *zipkin.Span {
	id := rapid.StringMatching("[1-9a-f]{16}")
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "get /hops", "http.route", "200"}), rapid.StringN(0, 2*wordMax, -1))
	endpoint := rapid.Ptr(rapid.Custom(func(t *rapid.T) zipkin.Endpoint {
		return zipkin.Endpoint{ServiceName: text.Draw(t, "service"), IPv4: text.Draw(t, "ipv4"), IPv6: text.Draw(t, "ipv6"), Port: rapid.IntRange(0, 65535).Draw(t, "port")}
	}), true)
	s := &zipkin.Span{
		TraceID: rapid.OneOf(id, rapid.StringMatching("[1-9a-f]{32}")).Draw(t, "trace"), ID: id.Draw(t, "id"), ParentID: rapid.OneOf(rapid.Just(""), id).Draw(t, "parent"),
		Kind: rapid.SampledFrom(kinds[:]).Draw(t, "kind"), Name: text.Draw(t, "name"),
		Timestamp: rapid.Int64Min(0).Draw(t, "timestamp"), Duration: rapid.Int64Min(0).Draw(t, "duration"),
		LocalEndpoint: endpoint.Draw(t, "local"), RemoteEndpoint: endpoint.Draw(t, "remote"),
		Tags: zipkin.TagsOf(rapid.MapOf(text, text).Draw(t, "tags")), Debug: rapid.Bool().Draw(t, "debug"), Shared: rapid.Bool().Draw(t, "shared"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "annotations") {
		s.Annotations = append(s.Annotations, zipkin.Annotation{Timestamp: rapid.Int64().Draw(t, "at"), Value: text.Draw(t, "value")})
	}
	if err := s.Normalize(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Every span is read as it was packed, by both ways of reading, and after the last of them no word is left.
func TestPackedSpansAreReadAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWords()
		spans := rapid.SliceOfN(rapid.Custom(anySpan), 1, 8).Draw(t, "spans")
		var all []packed
		for _, span := range append(spans, spans...) { // a repeated text is a word
			p := w.pack(span)
			if p.id() != span.ID || p.timestamp() != span.Timestamp {
				t.Fatalf("id %s and timestamp %d, want %s and %d", p.id(), p.timestamp(), span.ID, span.Timestamp)
			}
			all = append(all, p)
		}
		if diff := cmp.Diff(append(spans, spans...), w.spans(all)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		var c scratch
		for range 2 {
			for i, span := range c.read(&w, all) {
				if !equal(span, spans[i%len(spans)]) {
					t.Fatalf("got %+v, want %+v", span, spans[i%len(spans)])
				}
			}
		}
		c.release(&w, all)
		if len(w.numbers) != 0 || w.bytes != 0 || len(w.free) != len(w.list) {
			t.Fatalf("%d words of %d bytes are left, and %d of %d places are free", len(w.numbers), w.bytes, len(w.free), len(w.list))
		}
	})
}

// A proxy's span, whose twenty tags are mostly the same in all of them, takes a few hundred bytes.
func TestSpansAreSmall(t *testing.T) {
	t.Parallel()
	c := start(t, Options{})
	for trace := range 1000 {
		span := hop(trace, 0)
		for tag := range 20 {
			span.Tags = append(span.Tags, zipkin.Tag{Key: fmt.Sprintf("tag %02d", tag), Value: fmt.Sprintf("a value that all spans have, %d", tag)})
		}
		c.Add(span)
	}
	if got := c.Stats(); got.Bytes/int64(got.Spans) > 300 {
		t.Errorf("%d bytes for each span", got.Bytes/int64(got.Spans))
	}
}

// Links reads one trace after another, and none that was evicted meanwhile.
func TestAnEvictedTraceHasNoSpans(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Limits: Limits{Spans: 4}})
	c.Add(hops(0, 0, 4)...)
	c.lock()
	record := c.traces[1]
	c.mu.Unlock()
	if got := c.spansOf(record); len(got) != 4 {
		t.Errorf("%d spans, want 4", len(got))
	}
	c.Add(hops(1, 0, 4)...)
	c.Stats()
	if got := c.spansOf(record); len(got) != 0 {
		t.Errorf("%d spans of a trace that is gone", len(got))
	}
}
