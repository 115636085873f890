package collector

import (
	"cmp"
	"slices"

	"github.com/hopline/hopline/lab/zipkin"
)

// A full store keeps some of the traces that it would evict, because users look for them: so many of each route and minute.
const (
	keptFailed  = 60 // traces with a span that failed
	keptSlowest = 3  // traces that took longest, without those that failed
)

// keptShare is the part of each of the store's limits that failed traces may use, and again that slow ones may use: a quarter. Ordinary
// traces always have the rest.
const keptShare = 4

// keeper keeps traces of one kind longer, within its share of the limits. Beyond that it evicts the trace that it has kept longest.
type keeper struct {
	most   int // traces of a route in a minute
	order  traceList
	groups map[group][]*record // the fastest first
	spans  int
	bytes  int64
}

// group is one route within one minute, the unit that is counted.
type group struct {
	service, route string
	minute         int64 // since 1970
}

func newKeeper(most int) *keeper { return &keeper{most: most, groups: map[group][]*record{}} }

// makeRoom removes the oldest ordinary trace from the order: a keeper keeps it, in place of another or as long as there is room, or it is
// evicted.
func (s *Store) makeRoom() {
	t := s.order.first
	s.order.remove(t)
	if !s.fitsShare(len(t.spans), t.bytes) { // others would all have to go for it, and then it too
		s.forget(t)
		return
	}
	k := s.slow
	spans := s.scratch.read(&s.words, t.spans)
	if slices.ContainsFunc(spans, failed) {
		k = s.failed
	}
	if loser := k.offer(t, longest(spans), groupOf(spans)); loser != nil {
		s.forget(loser)
	}
	s.trim(k)
}

// trim evicts traces until a keeper is within its share.
func (s *Store) trim(k *keeper) {
	for !s.fitsShare(k.spans, k.bytes) {
		t := k.order.first
		k.release(t)
		s.forget(t)
	}
}

// fitsShare reports whether so many spans and bytes fit a keeper's share.
func (s *Store) fitsShare(spans int, bytes int64) bool {
	return spans <= s.limits.Spans/keptShare && bytes <= s.limits.Bytes/keptShare
}

// offer adds t, whose longest span took so long, unless its group is full of slower traces. It returns the trace to evict in its place, which may be t, or nil.
func (k *keeper) offer(t *record, duration int64, g group) (loser *record) {
	t.duration, t.group = duration, g
	members := k.groups[g]
	if len(members) >= k.most {
		if t.duration <= members[0].duration {
			return t
		}
		loser = members[0]
		k.release(loser)
		members = k.groups[g]
	}
	place, _ := slices.BinarySearchFunc(members, t, func(a, b *record) int { return cmp.Compare(a.duration, b.duration) })
	k.groups[g] = slices.Insert(members, place, t)
	k.order.append(t)
	k.grow(len(t.spans), t.bytes)
	t.keeper = k
	return loser
}

// grow counts what is added to a kept trace.
func (k *keeper) grow(spans int, bytes int64) {
	k.spans += spans
	k.bytes += bytes
}

// release removes a kept trace.
func (k *keeper) release(t *record) {
	members := k.groups[t.group]
	if place := slices.Index(members, t); len(members) > 1 {
		k.groups[t.group] = slices.Delete(members, place, place+1)
	} else {
		delete(k.groups, t.group)
	}
	k.order.remove(t)
	k.spans -= len(t.spans)
	k.bytes -= t.bytes
	t.keeper = nil
}

// failed reports whether a span failed.
func failed(span *zipkin.Span) bool {
	_, there := span.Tags.Lookup("error")
	return there
}

// longest returns the duration of the longest span, in microseconds.
func longest(spans []*zipkin.Span) (most int64) {
	for _, span := range spans {
		most = max(most, span.Duration)
	}
	return most
}

// groupOf returns the group of a trace. Its route is the one of the first span that has a route, which is the application's: a gateway uses one
// name for all requests of a host. Without a route it is the name of the first span.
func groupOf(spans []*zipkin.Span) group {
	first, routed := spans[0], (*zipkin.Span)(nil)
	for _, span := range spans {
		if span.Timestamp < first.Timestamp {
			first = span
		}
		if span.Tags.Get("http.route") != "" && (routed == nil || span.Timestamp < routed.Timestamp) {
			routed = span
		}
	}
	g := group{service: serviceOf(first.LocalEndpoint), route: first.Name, minute: first.Timestamp / 60e6}
	if routed != nil {
		g.service, g.route = serviceOf(routed.LocalEndpoint), routed.Tags.Get("http.route")
	}
	return g
}
