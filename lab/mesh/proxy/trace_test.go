package proxy

import (
	"strings"
	"sync"
	"testing"

	"github.com/hopline/hopline/lab/zipkin"
)

// spanSink keeps spans.
type spanSink struct {
	mu    sync.Mutex
	spans []*zipkin.Span
}

func (s *spanSink) put(z *zipkin.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spans = append(s.spans, z)
}

func (s *spanSink) all() []*zipkin.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spans
}

func TestTraceContext(t *testing.T) {
	t.Parallel()
	const trace, span, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"
	for _, c := range []struct {
		name           string
		headers        []string
		trace, parent  string // "" is a new trace
		sampled, debug bool
	}{
		{"none", nil, "", "", true, false},
		{"128 bits", []string{"x-b3-traceid: " + trace, "x-b3-spanid: " + span, "x-b3-sampled: 1"}, trace, span, true, false},
		{"64 bits", []string{"x-b3-traceid: " + trace[16:], "x-b3-spanid: " + span, "x-b3-sampled: 1"}, trace[16:], span, true, false},
		{"upper case", []string{"x-b3-traceid: " + strings.ToUpper(trace), "x-b3-spanid: " + strings.ToUpper(span)}, trace, span, true, false},
		{"no decision is made here", []string{"x-b3-traceid: " + trace, "x-b3-spanid: " + span}, trace, span, true, false},
		{"not sampled", []string{"x-b3-traceid: " + trace, "x-b3-spanid: " + span, "x-b3-sampled: 0"}, trace, span, false, false},
		{"not sampled, without ids", []string{"x-b3-sampled: 0"}, "", "", false, false},
		{"debug", []string{"x-b3-traceid: " + trace, "x-b3-spanid: " + span, "x-b3-flags: 1"}, trace, span, true, true},
		{"short id", []string{"x-b3-traceid: abc", "x-b3-spanid: " + span}, "", "", true, false},
		{"no hex", []string{"x-b3-traceid: " + strings.Repeat("x", 32), "x-b3-spanid: " + span}, "", "", true, false},
		{"zeros", []string{"x-b3-traceid: " + strings.Repeat("0", 32), "x-b3-spanid: " + span}, "", "", true, false},
		{"span missing", []string{"x-b3-traceid: " + trace}, "", "", true, false},
		{"one header", []string{"b3: " + trace + "-" + span + "-1-" + parent}, trace, span, true, false},
		{"one header, no decision", []string{"b3: " + trace + "-" + span}, trace, span, true, false},
		{"one header, not sampled", []string{"b3: " + trace + "-" + span + "-0"}, trace, span, false, false},
		{"one header, debug", []string{"b3: " + trace + "-" + span + "-d"}, trace, span, true, true},
		{"one header, only the decision", []string{"b3: 0"}, "", "", false, false},
		{"one header, malformed", []string{"b3: a-b-c"}, "", "", true, false},
		{"both forms", []string{"b3: " + trace + "-" + parent + "-1", "x-b3-traceid: " + trace, "x-b3-spanid: " + span}, trace, span, true, false},
		{"W3C", []string{"traceparent: 00-" + trace + "-" + span + "-01"}, trace, span, true, false},
		{"W3C, not sampled", []string{"traceparent: 00-" + trace + "-" + span + "-00"}, trace, span, false, false},
		{"W3C, malformed", []string{"traceparent: 00-" + trace + "-xyz-01"}, "", "", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var sink spanSink
			up := newEcho(t, "middle")
			b := newBench(t, Options{Span: sink.put}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address()))
			b.get("http://middle/", c.headers...)
			r, _ := up.seen()
			got := r.Header.Get("x-b3-traceid")
			if c.trace != "" && got != c.trace || c.trace == "" && (len(got) != 32 || got == trace) {
				t.Errorf("trace %q, want %q", got, c.trace)
			}
			id, sampled := r.Header.Get("x-b3-spanid"), "0"
			if c.sampled {
				sampled = "1"
			}
			if len(id) != 16 || id == span {
				t.Errorf("span %q is not of the proxy", id)
			}
			wantHeaders(t, r.Header, map[string]string{"x-b3-parentspanid": c.parent, "x-b3-sampled": sampled})
			if v := r.Header.Get("b3"); v != "" && v != got+"-"+id+"-"+sampled {
				t.Errorf("b3: %s has stale ids", v)
			}
			if v := r.Header.Get("traceparent"); v != "" && v != "00-"+got+"-"+id+"-0"+sampled {
				t.Errorf("traceparent: %s has stale ids", v)
			}
			spans := sink.all()
			if !c.sampled {
				if len(spans) > 0 {
					t.Errorf("%d spans of a trace that is not sampled", len(spans))
				}
				return
			}
			if len(spans) != 1 || spans[0].TraceID != got || spans[0].ID != id || spans[0].ParentID != c.parent || spans[0].Debug != c.debug {
				t.Errorf("spans %+v, want one with ids %s %s %s", spans, got, id, c.parent)
			}
		})
	}
}
