package collector

import (
	"testing"

	"github.com/hopline/hopline/lab/zipkin"
)

func TestEqual(t *testing.T) {
	t.Parallel()
	full := func() *zipkin.Span {
		s := hop(1, 1)
		s.Annotations = []zipkin.Annotation{{Timestamp: 1, Value: "a"}}
		return s
	}
	if !equal(full(), full()) {
		t.Error("a span is not equal to an equal one")
	}
	for name, change := range map[string]func(*zipkin.Span){
		"trace":       func(s *zipkin.Span) { s.TraceID = "0" },
		"parent":      func(s *zipkin.Span) { s.ParentID = "" },
		"id":          func(s *zipkin.Span) { s.ID = "0" },
		"kind":        func(s *zipkin.Span) { s.Kind = "" },
		"name":        func(s *zipkin.Span) { s.Name = "" },
		"timestamp":   func(s *zipkin.Span) { s.Timestamp++ },
		"duration":    func(s *zipkin.Span) { s.Duration++ },
		"no local":    func(s *zipkin.Span) { s.LocalEndpoint = nil },
		"local":       func(s *zipkin.Span) { s.LocalEndpoint.Port++ },
		"remote":      func(s *zipkin.Span) { s.RemoteEndpoint.IPv4 = "" },
		"annotation":  func(s *zipkin.Span) { s.Annotations[0].Value = "b" },
		"annotations": func(s *zipkin.Span) { s.Annotations = nil },
		"tag":         func(s *zipkin.Span) { s.Tags[3].Value = "" },
		"tags":        func(s *zipkin.Span) { s.Tags = nil },
		"debug":       func(s *zipkin.Span) { s.Debug = true },
		"shared":      func(s *zipkin.Span) { s.Shared = true },
	} {
		other := full()
		if change(other); equal(full(), other) || equal(other, full()) {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestSizeGrowsWithEveryPart(t *testing.T) {
	t.Parallel()
	s := &zipkin.Span{ID: "00000000000000bb"}
	sizeOf := func(s *zipkin.Span) int64 { // in a store that holds nothing else, and the second of its kind: texts are words
		w := newWords()
		w.pack(s)
		return w.pack(s).size() + w.bytes
	}
	size := sizeOf(s)
	for _, more := range []func(){
		func() { s.TraceID = "00000000000000aa" },
		func() { s.LocalEndpoint = &zipkin.Endpoint{ServiceName: "front"} },
		func() { s.Annotations = []zipkin.Annotation{{Value: "slow"}} },
		func() { s.Tags = zipkin.Tags{{Key: "a", Value: "b"}} },
		func() { s.Tags[0].Value = "bc" },
	} {
		more()
		if now := sizeOf(s); now <= size {
			t.Errorf("%+v is estimated at %d bytes, and was at %d", s, now, size)
		} else {
			size = now
		}
	}
}
