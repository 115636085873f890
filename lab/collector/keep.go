package collector

import (
	"cmp"
	"slices"

	"github.com/hopline/hopline/lab/zipkin"
)

// What a full store keeps of the traces whose turn to go has come, because people look for them: of each route and each minute that many.
const (
	keptFailed  = 60 // traces with a span that failed
	keptSlowest = 3  // traces that took longest, without those that failed
)

// keptShare is the part of each of the store's limits that failed traces may take, and again that slow ones may take: a quarter. Ordinary
// traces always have the rest.
const keptShare = 4

// keeper holds traces of one kind beyond their turn, within its share of the limits; then the one that it has had longest goes.
type keeper struct {
	most   int // traces of a route in a minute
	order  traceList
	groups map[group][]*record // the fastest first
	spans  int
	bytes  int64
}

// group is what is counted for itself: one route within one minute.
type group struct {
	service, route string
	minute         int64 // since 1970
}

func newKeeper(most int) *keeper { return &keeper{most: most, groups: map[group][]*record{}} }

// makeRoom takes the oldest ordinary trace out of its turn: it is kept, in place of another or as long as there is room for it, or goes.
func (s *Store) makeRoom() {
	t := s.order.first
	s.order.remove(t)
	if !s.fitsShare(len(t.spans), t.bytes) { // others would all have to go for it, and then it too
		s.forget(t)
		return
	}
	k := s.slow
	if slices.ContainsFunc(t.spans, failed) {
		k = s.failed
	}
	if loser := k.offer(t, groupOf(t.spans)); loser != nil {
		s.forget(loser)
	}
	s.trim(k)
}

// trim brings a keeper back within its share.
func (s *Store) trim(k *keeper) {
	for !s.fitsShare(k.spans, k.bytes) {
		t := k.order.first
		k.release(t)
		s.forget(t)
	}
}

// fitsShare reports whether so much is within the share of a keeper.
func (s *Store) fitsShare(spans int, bytes int64) bool {
	return spans <= s.limits.Spans/keptShare && bytes <= s.limits.Bytes/keptShare
}

// offer takes t in, unless its group is full of slower ones. It returns the trace that has to go for it, t itself included, or nil.
func (k *keeper) offer(t *record, g group) (loser *record) {
	t.duration, t.group = longest(t.spans), g
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

// grow counts what a kept trace adds.
func (k *keeper) grow(spans int, bytes int64) {
	k.spans += spans
	k.bytes += bytes
}

// release gives a kept trace up.
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
	_, there := span.Tags["error"]
	return there
}

// longest returns the duration of the longest span, in microseconds.
func longest(spans []*zipkin.Span) (most int64) {
	for _, span := range spans {
		most = max(most, span.Duration)
	}
	return most
}

// groupOf returns the group of a trace. Its route is that of the first span that names one, which is the application's: a gateway has one
// name for all requests of a host. Without any it is the name of the first span.
func groupOf(spans []*zipkin.Span) group {
	first, routed := spans[0], (*zipkin.Span)(nil)
	for _, span := range spans {
		if span.Timestamp < first.Timestamp {
			first = span
		}
		if span.Tags["http.route"] != "" && (routed == nil || span.Timestamp < routed.Timestamp) {
			routed = span
		}
	}
	g := group{service: serviceOf(first.LocalEndpoint), route: first.Name, minute: first.Timestamp / 60e6}
	if routed != nil {
		g.service, g.route = serviceOf(routed.LocalEndpoint), routed.Tags["http.route"]
	}
	return g
}
