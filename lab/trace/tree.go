// Package trace analyzes the spans of a trace: the tree of calls, the critical path, and the dependencies between services.
//
// Parents are found by ids only, never by the clock: spans of one trace may come from machines whose clocks differ.
package trace

import (
	"cmp"
	"slices"

	"github.com/hopline/hopline/lab/zipkin"
)

// Node is a span and its position in a trace.
type Node struct {
	Span     *zipkin.Span // nil at the top of a trace whose root has not arrived
	Parent   *Node        // nil at the top
	Children []*Node      // by beginning
	Adopted  bool         // its parent has not arrived, or it has none; it is a child of the top instead
}

// Build returns the tree of the spans of one trace, which may be in any order and in pieces. Every span is in it, merged with its own
// pieces. It returns nil without spans.
func Build(spans []*zipkin.Span) *Node {
	if len(spans) == 0 {
		return nil
	}
	return (&builder{nodes: map[key]*Node{}}).build(merge(spans))
}

// key identifies a node. As B3 lets a server reuse the id of its client, a server's half is distinguished by where it ran.
type key struct {
	id       string
	shared   bool
	endpoint zipkin.Endpoint // of a server's half; empty if unknown
}

func sharedKey(id string, e *zipkin.Endpoint) key {
	if e == nil {
		return key{id: id, shared: true}
	}
	return key{id: id, shared: true, endpoint: *e}
}

type builder struct {
	root  *Node
	nodes map[key]*Node
}

func (b *builder) build(spans []*zipkin.Span) *Node {
	all := make([]*Node, len(spans))
	for i, span := range spans {
		node := &Node{Span: span}
		all[i] = node
		switch {
		case span.Shared:
			b.nodes[sharedKey(span.ID, span.LocalEndpoint)] = node
		case span.ParentID == "" && b.root == nil:
			b.root = node // the first without a parent is the root
			b.nodes[key{id: span.ID}] = node
		default:
			b.nodes[key{id: span.ID}] = node
		}
	}
	if b.root == nil {
		b.root = &Node{}
	}
	for _, node := range all {
		if node != b.root {
			b.attach(node)
		}
	}
	b.adoptRings(all)
	sortChildren(b.root)
	return b.root
}

// attach adds a node to its parent, or else to the root.
func (b *builder) attach(node *Node) {
	parent := b.parent(node.Span)
	if parent == nil || parent == node {
		parent, node.Adopted = b.root, true
	}
	node.Parent = parent
	parent.Children = append(parent.Children, node)
}

func (b *builder) parent(span *zipkin.Span) *Node {
	if span.Shared {
		return b.nodes[key{id: span.ID}] // the client's half
	}
	if span.ParentID == "" {
		return nil
	}
	// A span within a server whose half is shared has the same parent id as that server's client. Without a known endpoint it is added to the
	// client's half (zipkin2.internal.SpanNode).
	if parent := b.nodes[sharedKey(span.ParentID, span.LocalEndpoint)]; parent != nil {
		return parent
	}
	return b.nodes[key{id: span.ParentID}]
}

// adoptRings adds spans that are their own ancestors: one of each cycle becomes a child of the root.
func (b *builder) adoptRings(all []*Node) {
	reached := make(map[*Node]bool, len(all)+1)
	var reach func(*Node)
	reach = func(n *Node) {
		reached[n] = true
		for _, child := range n.Children {
			reach(child)
		}
	}
	reach(b.root)
	for _, node := range all {
		if reached[node] {
			continue
		}
		siblings := &node.Parent.Children
		*siblings = slices.DeleteFunc(*siblings, func(n *Node) bool { return n == node })
		node.Parent, node.Adopted = b.root, true
		b.root.Children = append(b.root.Children, node)
		reach(node)
	}
}

func sortChildren(n *Node) {
	slices.SortStableFunc(n.Children, func(a, b *Node) int { return cmp.Compare(a.Span.Timestamp, b.Span.Timestamp) })
	for _, child := range n.Children {
		sortChildren(child)
	}
}

// Walk calls visit for each node that has a span, parents before children and children in their order, with its depth below the top.
func (n *Node) Walk(visit func(node *Node, depth int)) { n.walk(visit, 0) }

func (n *Node) walk(visit func(*Node, int), depth int) {
	if n == nil {
		return
	}
	if n.Span != nil {
		visit(n, depth)
	}
	for _, child := range n.Children {
		child.walk(visit, depth+1)
	}
}

// Window returns when the trace began and ended, in microseconds since 1970; both are 0 if no span has a time.
func (n *Node) Window() (begin, end int64) {
	n.Walk(func(node *Node, _ int) {
		s := node.Span
		if s.Timestamp == 0 {
			return
		}
		if begin == 0 || s.Timestamp < begin {
			begin = s.Timestamp
		}
		end = max(end, s.Timestamp+s.Duration)
	})
	return begin, end
}
