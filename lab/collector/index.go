package collector

import (
	"maps"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/zipkin"
)

// counts holds the number of spans of each name. A name is removed with the last of its spans.
type counts map[string]int

func (c counts) add(name string) {
	if name != "" {
		c[name]++
	}
}

func (c counts) remove(name string) {
	if n := c[name]; n > 1 {
		c[name] = n - 1
	} else {
		delete(c, name)
	}
}

// sorted returns the names, sorted.
func (c counts) sorted() []string { return slices.Sorted(maps.Keys(c)) }

// service holds the index of one local service.
type service struct {
	traces  map[*record]int // with the number of its spans in each
	names   counts
	remotes counts
}

// index indexes a span that was just added to the trace t.
func (s *Store) index(t *record, span *zipkin.Span) {
	if name := serviceOf(span.LocalEndpoint); name != "" {
		svc := s.services[name]
		if svc == nil {
			svc = &service{traces: map[*record]int{}, names: counts{}, remotes: counts{}}
			s.services[name] = svc
		}
		svc.traces[t]++
		svc.names.add(span.Name)
		svc.remotes.add(serviceOf(span.RemoteEndpoint))
	}
}

// unindex undoes index for a span of a trace that is removed.
func (s *Store) unindex(t *record, span *zipkin.Span) {
	if name := serviceOf(span.LocalEndpoint); name != "" {
		svc := s.services[name]
		svc.names.remove(span.Name)
		svc.remotes.remove(serviceOf(span.RemoteEndpoint))
		if svc.traces[t]--; svc.traces[t] == 0 {
			delete(svc.traces, t)
		}
		if len(svc.traces) == 0 {
			delete(s.services, name)
		}
	}
}

// Services returns the local services of all spans, sorted.
func (s *Store) Services() []string {
	s.lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.services))
}

// SpanNames returns the names of a service's spans, sorted.
func (s *Store) SpanNames(name string) []string {
	s.lock()
	defer s.mu.Unlock()
	if svc := s.services[strings.ToLower(name)]; svc != nil {
		return svc.names.sorted()
	}
	return nil
}

// RemoteServices returns the services that a service's spans name as the other side, sorted.
func (s *Store) RemoteServices(name string) []string {
	s.lock()
	defer s.mu.Unlock()
	if svc := s.services[strings.ToLower(name)]; svc != nil {
		return svc.remotes.sorted()
	}
	return nil
}
