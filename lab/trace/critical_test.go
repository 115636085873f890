package trace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/zipkin"
)

func drawPath(path []Segment) string {
	var parts []string
	for _, s := range path {
		parts = append(parts, fmt.Sprintf("%s:%d-%d", s.Node.Span.ID, s.From, s.To))
	}
	return strings.Join(parts, " ")
}

func TestCriticalPath(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spans []*zipkin.Span
		want  string
	}{
		{"nothing", nil, ""},
		{"one span", spans("a @10+5"), "a:10-15"},
		{"one call", spans("a @10+10", "b <a @12+5"), "a:10-12 b:12-17 a:17-20"},
		{"a chain", spans("a @10+20", "b <a @11+15", "c <b @12+10"), "a:10-11 b:11-12 c:12-22 b:22-26 a:26-30"},
		{"one after the other", spans("a @10+20", "b <a @11+4", "c <a @20+5"), "a:10-11 b:11-15 a:15-20 c:20-25 a:25-30"},
		{"concurrent: the last to end counts", spans("a @10+20", "b <a @11+4", "c <a @12+10"), "a:10-11 b:11-12 c:12-22 a:22-30"},
		{"within the other: it does not count", spans("a @10+20", "b <a @11+10", "c <a @13+2"), "a:10-11 b:11-21 a:21-30"},
		{"the server ends after its client", spans("a @10+10 CLIENT front", "b <a @12+20 SERVER middle"), "a:10-12 b:12-20"},
		{"the server's clock is slow", spans("a @10+10 CLIENT front", "b <a @5+10 SERVER middle"), "b:10-15 a:15-20"},
		{"the server's clock is hours off", spans("a @10+10 CLIENT front", "b <a @500+10 SERVER middle"), "a:10-20"},
		{"fired and forgotten", spans("a @10+10 SERVER front", "b <a @12+100 CLIENT front", "c <a @13+4 CLIENT front"), "a:10-13 c:13-17 a:17-20"},
		{"a sidecar of the client's name that ends a moment later", spans("a @10+10 CLIENT front", "b <a @11+10 CLIENT front"), "a:10-11 b:11-20"},
		{"a server of its sidecar's name that ends a moment later", spans("a @10+10 SERVER front", "b <a @11+20 SERVER front"), "a:10-11 b:11-20"},
		{"a sidecar below a client below a server, each a few microseconds late", spans("a @100+100 SERVER front", "b <a @110+90 CLIENT front", "c <b @111+95 CLIENT front", "d <c @112+96 SERVER middle"),
			"a:100-110 b:110-111 c:111-112 d:112-200"},
		{"a call that ends after its caller only by rounding", spans("a @10+10 SERVER front", "b <a @12+10 CLIENT front"), "a:10-12 b:12-20"},
		{"a span of no duration", spans("a @10+10", "b <a @12+0"), "a:10-20"},
		{"a span of no time", spans("a @10+10", "b <a"), "a:10-20"},
		{"no root: gaps", spans("b <a @10+5", "c <a @20+5"), "b:10-15 c:20-25"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := drawPath(Build(test.spans).CriticalPath()); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// For any trace the path's segments follow one another and lie within their spans, and with a root they fill it.
func TestCriticalPathFillsTheRoot(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	filled := 0
	for range 5000 {
		root := Build(randomTrace(r))
		path := root.CriticalPath()
		var sum, last int64
		for _, s := range path {
			if s.From >= s.To || s.From < last || s.From < s.Node.Span.Timestamp || s.To > s.Node.end() {
				t.Fatalf("the segment %s of %s:\n%s", drawPath([]Segment{s}), drawPath(path), draw(root))
			}
			sum += s.To - s.From
			last = s.To
		}
		if root.Span == nil || root.Span.Duration == 0 {
			continue
		}
		filled++
		if sum != root.Span.Duration || path[0].From != root.Span.Timestamp || last != root.end() {
			t.Fatalf("%s does not fill %d to %d:\n%s", drawPath(path), root.Span.Timestamp, root.end(), draw(root))
		}
	}
	if filled < 1000 {
		t.Errorf("only %d traces had a root", filled)
	}
}
