package collector

import (
	"slices"

	"github.com/hopline/hopline/lab/zipkin"
)

// equal reports whether two spans have the same content.
func equal(a, b *zipkin.Span) bool {
	return a.TraceID == b.TraceID && a.ParentID == b.ParentID && a.ID == b.ID && a.Kind == b.Kind && a.Name == b.Name &&
		a.Timestamp == b.Timestamp && a.Duration == b.Duration && a.Debug == b.Debug && a.Shared == b.Shared &&
		sameEndpoint(a.LocalEndpoint, b.LocalEndpoint) && sameEndpoint(a.RemoteEndpoint, b.RemoteEndpoint) &&
		slices.Equal(a.Annotations, b.Annotations) && slices.Equal(a.Tags, b.Tags)
}

func sameEndpoint(a, b *zipkin.Endpoint) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func serviceOf(e *zipkin.Endpoint) string {
	if e == nil {
		return ""
	}
	return e.ServiceName
}
