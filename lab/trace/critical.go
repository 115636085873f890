package trace

import (
	"cmp"
	"slices"

	"github.com/hopline/hopline/lab/zipkin"
)

// Segment is a period during which only one span's own work kept the trace from ending.
type Segment struct {
	Node     *Node
	From, To int64 // microseconds since 1970, From < To
}

// CriticalPath returns what a trace's duration consists of: segments in the order of time that together fill the span at its top. At each
// moment it follows the last-ending call that was waited for, then that call's own calls, and so on.
//
// A call counts only within its caller's time, since clocks differ and a server ends its span after its client has the response. A call
// that a service makes and that outlives its caller there was not waited for and does not count. Without a root the path follows the calls
// at the top, with gaps between them.
func (n *Node) CriticalPath() []Segment {
	if n == nil {
		return nil
	}
	begin, end := n.Window()
	if n.Span != nil {
		begin, end = n.Span.Timestamp, n.Span.Timestamp+n.Span.Duration
	}
	var path []Segment
	n.backwards(begin, end, &path)
	slices.Reverse(path)
	return path
}

// backwards appends the segments of a node between two times, the last first.
func (n *Node) backwards(from, to int64, path *[]Segment) {
	calls := slices.Clone(n.Children)
	slices.SortStableFunc(calls, func(a, b *Node) int { return cmp.Compare(b.end(), a.end()) })
	for _, call := range calls {
		begin, end := max(call.Span.Timestamp, from), min(call.end(), to)
		if call.Span.Timestamp == 0 || begin >= end || n.leftBehind(call) {
			continue
		}
		n.own(end, to, path)
		call.backwards(begin, end, path)
		to = begin
	}
	n.own(from, to, path)
}

// own appends a segment of the node's own work.
func (n *Node) own(from, to int64, path *[]Segment) {
	if n.Span != nil && from < to {
		*path = append(*path, Segment{Node: n, From: from, To: to})
	}
}

func (n *Node) end() int64 { return n.Span.Timestamp + n.Span.Duration }

// rounding is by how much, in microseconds, a call may seem to end after its caller although it ended before: each of their four times has
// lost up to one microsecond.
const rounding = 2

// leftBehind reports whether a call was still running, in the same service, when n ended. A span below a client's span, and a server's
// span, is the other side of a call, which was waited for: a sidecar has the name of its service, and either may end a moment later.
func (n *Node) leftBehind(call *Node) bool {
	return n.Span != nil && n.Span.Kind != zipkin.Client && call.Span.Kind != zipkin.Server && call.end() > n.end()+rounding &&
		service(n.Span.LocalEndpoint) != "" && service(n.Span.LocalEndpoint) == service(call.Span.LocalEndpoint)
}
