package trace

import (
	"cmp"
	"slices"

	"github.com/hopline/hopline/lab/zipkin"
)

// Segment is a stretch of time during which nothing but one span's own work kept the trace from ending.
type Segment struct {
	Node     *Node
	From, To int64 // microseconds since 1970, From < To
}

// CriticalPath tells what a trace's duration was made of: segments in the order of time that together fill the span at its top. At each
// moment it is the last-ending of the calls that were waited for which counts, then that call's own calls, and so on.
//
// A call counts only within its caller's time, since clocks differ and a server ends its span after its client has the answer. One that a
// service makes and that outlives the caller in it was not waited for and does not count. Without a root the path leads through the calls
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

// rounding is by how much, in microseconds, a call may seem to end after its caller that ended before it: each of their four times
// has lost up to one microsecond.
const rounding = 2

// leftBehind tells whether a call was still going on, in the same service, when n had ended. What is below a client's span, and what is a
// server's, is the other side of a call, which was waited for: a sidecar has the name of its service, and either may end a moment later.
func (n *Node) leftBehind(call *Node) bool {
	return n.Span != nil && n.Span.Kind != zipkin.Client && call.Span.Kind != zipkin.Server && call.end() > n.end()+rounding &&
		service(n.Span.LocalEndpoint) != "" && service(n.Span.LocalEndpoint) == service(call.Span.LocalEndpoint)
}
