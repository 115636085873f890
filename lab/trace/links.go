package trace

import (
	"github.com/hopline/hopline/lab/zipkin"
)

// Link is the number of calls from one service to another. The names are those of Zipkin's GET /api/v2/dependencies.
type Link struct {
	Parent     string `json:"parent"`
	Child      string `json:"child"`
	CallCount  int64  `json:"callCount"`
	ErrorCount int64  `json:"errorCount,omitempty"`
}

// Linker counts calls between services over any number of traces, by the rules of zipkin2.internal.DependencyLinker. The zero
// value is ready.
type Linker struct {
	links []Link
	place map[[2]string]int // in links, by parent and child
}

// Links returns the links in the order in which they were first seen.
func (l *Linker) Links() []Link { return l.links }

func (l *Linker) add(parent, child string, failed bool) {
	if l.place == nil {
		l.place = map[[2]string]int{}
	}
	i, there := l.place[[2]string{parent, child}]
	if !there {
		i = len(l.links)
		l.place[[2]string{parent, child}] = i
		l.links = append(l.links, Link{Parent: parent, Child: child})
	}
	l.links[i].CallCount++
	if failed {
		l.links[i].ErrorCount++
	}
}

// Add counts the calls of one trace.
func (l *Linker) Add(spans []*zipkin.Span) {
	root := Build(spans)
	if root == nil {
		return
	}
	for queue := []*Node{root}; len(queue) > 0; queue = queue[1:] {
		node := queue[0]
		queue = append(queue, node.Children...)
		if node.Span != nil {
			l.call(node)
		}
	}
}

// call counts the call that a span is one side of, if this side is the one to count it.
func (l *Linker) call(node *Node) {
	span := node.Span
	if span.Kind == zipkin.Client && len(node.Children) > 0 {
		return // the server's side has the better name
	}
	local, remote := service(span.LocalEndpoint), service(span.RemoteEndpoint)
	kind := span.Kind
	if kind == "" && local != "" && remote != "" {
		kind = zipkin.Client // both sides are known, so it is a call
	}
	var parent, child string
	switch kind {
	case zipkin.Client, zipkin.Producer:
		parent, child = local, remote
	case zipkin.Server, zipkin.Consumer:
		if node.Parent == nil && remote == "" {
			return // the root's caller is unknown
		}
		parent, child = remote, local
	default:
		return // work within a service
	}
	_, failed := span.Tags.Lookup("error")
	if kind == zipkin.Producer || kind == zipkin.Consumer { // the other side is a broker, whose links are its own
		if parent != "" && child != "" {
			l.add(parent, child, failed)
		}
		return
	}
	if caller := remoteAncestor(node); caller != nil && service(caller.LocalEndpoint) != "" {
		name := service(caller.LocalEndpoint)
		if kind == zipkin.Client && local != "" && name != local {
			l.add(name, local, false) // a service between the two that sent no span
		}
		if kind == zipkin.Server || parent == "" {
			parent = name
		}
		if !failed && caller.Kind == zipkin.Client && span.ParentID == caller.ID {
			_, failed = caller.Tags.Lookup("error")
		}
	}
	if parent != "" && child != "" {
		l.add(parent, child, failed)
	}
}

// remoteAncestor finds the nearest ancestor that is a side of a call.
func remoteAncestor(node *Node) *zipkin.Span {
	for n := node.Parent; n != nil; n = n.Parent {
		if n.Span != nil && n.Span.Kind != "" {
			return n.Span
		}
	}
	return nil
}

func service(e *zipkin.Endpoint) string {
	if e == nil {
		return ""
	}
	return e.ServiceName
}
