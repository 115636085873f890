package trace

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/zipkin"
)

// merge joins spans that were sent in pieces and adds what instrumentation often omits, as Zipkin does before it builds a tree
// (zipkin2.internal.Trace). The result is sorted by id, a client's half of a call before the server's. The input spans are not changed.
func merge(spans []*zipkin.Span) []*zipkin.Span {
	sorted := slices.Clone(spans)
	slices.SortStableFunc(sorted, func(a, b *zipkin.Span) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(side(a), side(b)), compareEndpoints(a.LocalEndpoint, b.LocalEndpoint))
	})
	id := longestID(sorted)
	merged := sorted[:0]
	for i := 0; i < len(sorted); {
		span := withTraceID(sorted[i], id)
		local := zipkin.Endpoint{}
		join(&local, span.LocalEndpoint)
		for i++; i < len(sorted); i++ {
			next := sorted[i]
			if next.ID != span.ID || next.Shared != span.Shared || !join(&local, next.LocalEndpoint) {
				break
			}
			span = union(span, next)
		}
		if len(merged) > 0 {
			span = repair(span, merged[len(merged)-1])
		}
		merged = append(merged, span)
	}
	return merged
}

// side orders the two halves of a call: the client's, one without a kind, the server's.
func side(s *zipkin.Span) int {
	switch {
	case s.Shared:
		return 2
	case s.Kind == zipkin.Client:
		return 0
	}
	return 1
}

// compareEndpoints puts an absent endpoint first, so that its span joins the first one after it, and an absent field last.
func compareEndpoints(a, b *zipkin.Endpoint) int {
	if a == nil || b == nil {
		return cmp.Compare(presence(a != nil), presence(b != nil))
	}
	field := func(a, b string) int {
		return cmp.Or(cmp.Compare(presence(a == ""), presence(b == "")), strings.Compare(a, b))
	}
	return cmp.Or(field(a.ServiceName, b.ServiceName), field(a.IPv4, b.IPv4), field(a.IPv6, b.IPv6))
}

func presence(there bool) int {
	if there {
		return 1
	}
	return 0
}

// longestID returns the trace id for all spans: one of 128 bits if there is one.
func longestID(spans []*zipkin.Span) string {
	id := ""
	for _, span := range spans {
		if len(id) != 32 {
			id = span.TraceID
		}
	}
	return id
}

func withTraceID(span *zipkin.Span, id string) *zipkin.Span {
	if len(span.TraceID) == len(id) {
		return span
	}
	replaced := *span
	replaced.TraceID = id
	return &replaced
}

// join merges two descriptions of an endpoint, or reports that they are different endpoints.
func join(known, e *zipkin.Endpoint) bool {
	if e == nil {
		return true
	}
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	if differ(known.ServiceName, e.ServiceName) || differ(known.IPv4, e.IPv4) || differ(known.IPv6, e.IPv6) ||
		known.Port != 0 && e.Port != 0 && known.Port != e.Port {
		return false
	}
	*known = *fill(known, e)
	return true
}

// fill sets the empty fields of a from b.
func fill(a, b *zipkin.Endpoint) *zipkin.Endpoint {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &zipkin.Endpoint{
		ServiceName: cmp.Or(a.ServiceName, b.ServiceName),
		IPv4:        cmp.Or(a.IPv4, b.IPv4),
		IPv6:        cmp.Or(a.IPv6, b.IPv6),
		Port:        cmp.Or(a.Port, b.Port),
	}
}

// union merges two pieces of one span; where both have a value the first wins, except for tags, as in Zipkin.
func union(a, b *zipkin.Span) *zipkin.Span {
	u := *a
	u.ParentID = cmp.Or(a.ParentID, b.ParentID)
	u.Kind = cmp.Or(a.Kind, b.Kind)
	u.Name = cmp.Or(a.Name, b.Name)
	u.Timestamp = cmp.Or(a.Timestamp, b.Timestamp)
	u.Duration = cmp.Or(a.Duration, b.Duration)
	u.LocalEndpoint = fill(a.LocalEndpoint, b.LocalEndpoint)
	u.RemoteEndpoint = fill(a.RemoteEndpoint, b.RemoteEndpoint)
	u.Annotations = slices.Concat(a.Annotations, b.Annotations)
	if len(b.Tags) > 0 {
		u.Tags = a.Tags.With(b.Tags)
	}
	u.Debug = a.Debug || b.Debug
	return &u
}

// repair completes a server's half of a call from the client's before it: the flag that it shares its id, and its parent.
func repair(span, before *zipkin.Span) *zipkin.Span {
	if before.ID != span.ID {
		return span
	}
	repaired := *span
	if before.Kind == zipkin.Client && span.Kind == zipkin.Server {
		repaired.Shared = true
	}
	if repaired.Shared && span.ParentID == "" {
		repaired.ParentID = before.ParentID
	}
	return &repaired
}
