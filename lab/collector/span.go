package collector

import (
	"maps"
	"slices"
	"unsafe"

	"github.com/hopline/hopline/lab/zipkin"
)

// equal reports whether two spans have the same content.
func equal(a, b *zipkin.Span) bool {
	return a.TraceID == b.TraceID && a.ParentID == b.ParentID && a.ID == b.ID && a.Kind == b.Kind && a.Name == b.Name &&
		a.Timestamp == b.Timestamp && a.Duration == b.Duration && a.Debug == b.Debug && a.Shared == b.Shared &&
		sameEndpoint(a.LocalEndpoint, b.LocalEndpoint) && sameEndpoint(a.RemoteEndpoint, b.RemoteEndpoint) &&
		slices.Equal(a.Annotations, b.Annotations) && maps.Equal(a.Tags, b.Tags)
}

func sameEndpoint(a, b *zipkin.Endpoint) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// The memory of a span's parts, as Go lays them out: a map of up to eight tags is one group of eight slots, and grows by doubling.
const (
	spanBytes       = int64(unsafe.Sizeof(zipkin.Span{})) + 64 // its places in lists and indexes
	endpointBytes   = int64(unsafe.Sizeof(zipkin.Endpoint{}))
	annotationBytes = int64(unsafe.Sizeof(zipkin.Annotation{}))
	mapBytes        = 48
	tagBytes        = 40
)

// sizeOf estimates the memory of a span, in bytes.
func sizeOf(s *zipkin.Span) int64 {
	size := spanBytes + int64(len(s.TraceID)+len(s.ParentID)+len(s.ID))
	for _, e := range [...]*zipkin.Endpoint{s.LocalEndpoint, s.RemoteEndpoint} {
		if e != nil {
			size += endpointBytes + int64(len(e.ServiceName))
		}
	}
	for _, a := range s.Annotations {
		size += annotationBytes + int64(len(a.Value))
	}
	if len(s.Tags) > 0 {
		slots := 8
		for slots < len(s.Tags) {
			slots *= 2
		}
		size += mapBytes + int64(slots)*tagBytes
		for key, value := range s.Tags {
			size += int64(len(key) + len(value))
		}
	}
	return size
}

func serviceOf(e *zipkin.Endpoint) string {
	if e == nil {
		return ""
	}
	return e.ServiceName
}
