package trace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/zipkin"
)

// span parses a span from words: its id, and then in any order <parent, a kind, a service, @begin+duration, !error, shared, name=…
func span(words string) *zipkin.Span {
	s := &zipkin.Span{TraceID: "0000000000000001"}
	for i, word := range strings.Fields(words) {
		switch {
		case i == 0:
			s.ID = word
		case word[0] == '<':
			s.ParentID = word[1:]
		case word[0] == '@':
			if _, err := fmt.Sscanf(word, "@%d+%d", &s.Timestamp, &s.Duration); err != nil {
				panic(err)
			}
		case word == "!error":
			s.Tags = zipkin.Tags{{Key: "error"}}
		case word == "shared":
			s.Shared = true
		case strings.HasPrefix(word, "name="):
			s.Name = word[len("name="):]
		case strings.ToUpper(word) == word:
			s.Kind = zipkin.Kind(word)
		case strings.HasPrefix(word, "to:"):
			s.RemoteEndpoint = &zipkin.Endpoint{ServiceName: word[len("to:"):]}
		default:
			service, ip, _ := strings.Cut(word, "/")
			s.LocalEndpoint = &zipkin.Endpoint{ServiceName: service, IPv4: ip}
		}
	}
	return s
}

func spans(lines ...string) []*zipkin.Span {
	var list []*zipkin.Span
	for _, line := range lines {
		list = append(list, span(line))
	}
	return list
}

// draw writes a tree, one line a node: an asterisk marks adopted nodes, an s the server's half of a shared span.
func draw(root *Node) string {
	var b strings.Builder
	if root != nil && root.Span == nil {
		b.WriteString("?\n")
	}
	root.Walk(func(n *Node, depth int) {
		b.WriteString(strings.Repeat(" ", depth) + n.Span.ID)
		if n.Span.Shared {
			b.WriteString("s")
		}
		if n.Adopted {
			b.WriteString("*")
		}
		b.WriteString("\n")
	})
	return b.String()
}

func TestBuild(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spans []*zipkin.Span
		want  string
	}{
		{"nothing", nil, ""},
		{"one", spans("a @1+1"), "a\n"},
		{"children by beginning, whatever the order of arrival", spans("c <a @5+1", "b <a @3+1", "a @1+9", "d <b @4+1"), "a\n b\n  d\n c\n"},
		{"clocks do not decide: the child began before its parent", spans("a @100+5", "b <a @1+5", "c <b @50+5"), "a\n b\n  c\n"},
		{"a server that took over its client's id", spans("a @1+9 SERVER front", "b <a @2+7 CLIENT front", "b <a @3+5 SERVER middle shared", "c <b @4+1 CLIENT middle"), "a\n b\n  bs\n   c\n"},
		{"the same without the mark and the parent", spans("a @1+9 SERVER front", "b <a @2+7 CLIENT front", "b @3+5 SERVER middle"), "a\n b\n  bs\n"},
		{"two servers under one id", spans("b @2+7 CLIENT front", "b @3+2 SERVER one/1.1.1.1 shared", "b @6+2 SERVER two/2.2.2.2 shared", "c <b @7+1 two/2.2.2.2"), "b\n bs\n bs\n  c\n"},
		{"a child that does not say where it ran", spans("b @2+7 CLIENT front", "b @3+2 SERVER middle shared", "c <b @4+1"), "b\n bs\n c\n"},
		{"pieces of a span", spans("a @1+9 front", "a name=late front", "b <a @2+1"), "a\n b\n"},
		{"a parent that has not arrived", spans("a @1+9", "c <b @2+1"), "a\n c*\n"},
		{"a root that has not arrived", spans("b <a @2+1", "c <b @3+1", "d <a @1+1"), "?\n d*\n b*\n  c\n"},
		{"two roots", spans("a @1+1", "b @2+1"), "a\n b*\n"},
		{"a ring", spans("a @1+1", "b <c @2+1", "c <b @3+1", "d <c @4+1"), "a\n b*\n  c\n   d\n"},
		{"nothing but a ring", spans("b <c @2+1", "c <b @3+1"), "?\n b*\n  c\n"},
		{"only the server's half", spans("b <a @2+1 SERVER middle shared", "c <b @3+1 middle"), "?\n bs*\n  c\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, draw(Build(test.spans))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// randomTrace returns spans whose parents are each other, none, or missing, in any order.
func randomTrace(r *rand.Rand) []*zipkin.Span {
	list := make([]*zipkin.Span, 1+r.IntN(20))
	for i := range list {
		s := &zipkin.Span{TraceID: "0000000000000001", ID: fmt.Sprintf("%016x", i+1), Timestamp: r.Int64N(3) * (1 + r.Int64N(1000)), Duration: r.Int64N(500)}
		if parent := r.IntN(len(list) + 3); parent < len(list)+2 && parent != i {
			s.ParentID = fmt.Sprintf("%016x", parent+1)
		}
		if r.IntN(4) > 0 {
			s.LocalEndpoint = &zipkin.Endpoint{ServiceName: []string{"front", "middle", "core"}[r.IntN(3)]}
		}
		list[i] = s
	}
	return list
}

// Every span is in the tree exactly once, for any ids, and the input is not changed.
func TestBuildLosesNothing(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		list := randomTrace(r)
		before := make([]zipkin.Span, len(list))
		for i, s := range list {
			before[i] = *s
		}
		seen := map[string]int{}
		Build(list).Walk(func(n *Node, _ int) {
			seen[n.Span.ID]++
			for _, child := range n.Children {
				if child.Parent != n {
					t.Fatalf("%s is a child of %s, but its Parent is another node", child.Span.ID, n.Span.ID)
				}
			}
		})
		for i, s := range list {
			if seen[s.ID] != 1 {
				t.Fatalf("%s is in the tree %d times:\n%s", s.ID, seen[s.ID], draw(Build(list)))
			}
			if diff := cmp.Diff(before[i], *s); diff != "" {
				t.Fatalf("Build changed a span: %s", diff)
			}
		}
	}
}

func TestMergeOfPieces(t *testing.T) {
	t.Parallel()
	pieces := []*zipkin.Span{
		{TraceID: "00000000000000aa", ID: "1", Name: "get", Timestamp: 5, LocalEndpoint: &zipkin.Endpoint{ServiceName: "front"}, Tags: zipkin.Tags{{Key: "a", Value: "1"}, {Key: "b", Value: "1"}}},
		{TraceID: "00000000000000ff00000000000000aa", ID: "1", ParentID: "2", Kind: zipkin.Client, Duration: 7, LocalEndpoint: &zipkin.Endpoint{IPv4: "10.0.0.1"}, Tags: zipkin.Tags{{Key: "b", Value: "2"}},
			Annotations: []zipkin.Annotation{{Timestamp: 6, Value: "x"}}, Debug: true},
		{TraceID: "00000000000000aa", ID: "1", Kind: zipkin.Server, Shared: true, LocalEndpoint: &zipkin.Endpoint{ServiceName: "middle"}},
	}
	want := []*zipkin.Span{
		{TraceID: "00000000000000ff00000000000000aa", ID: "1", ParentID: "2", Kind: zipkin.Client, Name: "get", Timestamp: 5, Duration: 7,
			LocalEndpoint: &zipkin.Endpoint{ServiceName: "front", IPv4: "10.0.0.1"}, Tags: zipkin.Tags{{Key: "a", Value: "1"}, {Key: "b", Value: "1"}}, Annotations: []zipkin.Annotation{{Timestamp: 6, Value: "x"}}, Debug: true},
		{TraceID: "00000000000000ff00000000000000aa", ID: "1", ParentID: "2", Kind: zipkin.Server, Shared: true, LocalEndpoint: &zipkin.Endpoint{ServiceName: "middle"}},
	}
	if diff := cmp.Diff(want, merge(pieces)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		spans      []*zipkin.Span
		begin, end int64
	}{
		{nil, 0, 0},
		{spans("a"), 0, 0},
		{spans("a @5+10", "b <a @3+1", "c <a @12+9", "d <a"), 3, 21},
	} {
		if begin, end := Build(test.spans).Window(); begin != test.begin || end != test.end {
			t.Errorf("got %d to %d, want %d to %d", begin, end, test.begin, test.end)
		}
	}
}
