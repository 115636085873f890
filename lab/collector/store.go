package collector

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hopline/hopline/lab/zipkin"
)

// Limits bound what a Store holds. Zero means the default.
type Limits struct {
	Spans   int   // spans kept; 100,000 by default
	Bytes   int64 // estimated memory of the spans kept, in bytes; 64 MiB by default
	Pending int   // spans handed to Add and not yet stored; 16,384 by default
}

func (l Limits) orDefault() Limits {
	if l.Spans <= 0 {
		l.Spans = 100_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 64 << 20
	}
	if l.Pending <= 0 {
		l.Pending = 16 << 10
	}
	return l
}

// Store keeps the newest traces in memory and finds them by id, service, time and content. When it is full it evicts whole traces, the one
// that began to arrive first before others, so that it never shows half a trace for lack of room. Failed traces and the slowest of each
// route stay longer, in a share of the limits. It is safe for concurrent use.
//
// It keeps spans in a compact form, see packed, and creates new spans from it for each caller.
type Store struct {
	limits  Limits
	pending *queue // from Add to the goroutine that stores
	metrics *metrics
	stop    chan struct{}
	stopped chan struct{}

	mu          sync.Mutex
	traces      map[uint64]*record // by the lower 64 bits of the id: 64-bit and 128-bit parts of a trace belong together
	order       traceList          // of the traces that no keeper holds
	failed      *keeper
	slow        *keeper
	services    map[string]*service
	spans       int
	bytes       int64 // of the spans, without words
	words       words // of the spans
	scratch     scratch
	subscribers []*Subscription
}

// record holds the spans whose trace ids share their lower 64 bits.
type record struct {
	id             uint64
	spans          []packed
	ids            map[string][]packed // spans by their own id, once there are many
	bytes          int64
	latest         int64 // the greatest timestamp, in microseconds
	earlier, later *record

	keeper   *keeper // keeps it longer; nil: none. With a keeper the next two are set
	group    group
	duration int64 // of its longest span, in microseconds
}

// newStore returns an empty store, which must be closed.
func newStore(limits Limits, m *metrics) *Store {
	s := &Store{
		limits:   limits.orDefault(),
		metrics:  m,
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
		traces:   map[uint64]*record{},
		failed:   newKeeper(keptFailed),
		slow:     newKeeper(keptSlowest),
		services: map[string]*service{},
		words:    newWords(),
	}
	s.pending = newQueue(s.limits.Pending)
	go s.run()
	return s
}

// gathering is how long the spans of Add wait for others, so that the goroutine that stores them does not wake up for each. A reader of the
// store stores them first.
const gathering = 5 * time.Millisecond

// run stores the spans of Add until close.
func (s *Store) run() {
	defer close(s.stopped)
	wait := time.NewTimer(0)
	defer wait.Stop()
	<-wait.C
	for {
		select {
		case <-s.pending.ready:
		case <-s.stop:
			return
		}
		wait.Reset(gathering)
		select {
		case <-wait.C:
			s.lock()
			s.mu.Unlock()
		case <-s.stop:
			return
		}
	}
}

// close stores pending spans and ends all subscriptions.
func (s *Store) close() {
	close(s.stop)
	<-s.stopped
	s.lock()
	defer s.mu.Unlock()
	for _, sub := range s.subscribers {
		close(sub.closed)
	}
	s.subscribers = nil
}

// lock locks the store after it has stored all spans added before, so that a caller of Add can read its own spans.
func (s *Store) lock() {
	s.mu.Lock()
	s.insert(s.pending.take())
}

// Add stores spans of this process. It never waits: without room the spans are dropped and counted, as are spans that cannot be normalized.
// The store owns the spans from then on.
func (s *Store) Add(spans ...*zipkin.Span) {
	s.metrics.received.WithLabelValues("lab").Add(float64(len(spans)))
	good := spans
	for i, span := range spans {
		if span.Normalize() == nil {
			continue
		}
		good = slices.Clone(spans[:i])
		for _, span := range spans[i+1:] {
			if span.Normalize() == nil {
				good = append(good, span)
			}
		}
		s.metrics.invalid.Add(float64(len(spans) - len(good)))
		break
	}
	s.metrics.overflow.Add(float64(s.pending.put(good)))
}

// accept stores normalized spans from the network, whose senders can wait.
func (s *Store) accept(spans []*zipkin.Span) {
	s.lock()
	defer s.mu.Unlock()
	s.insert(spans)
}

// insert stores normalized spans and makes room for them. The caller holds the lock.
func (s *Store) insert(spans []*zipkin.Span) {
	if len(spans) == 0 {
		return
	}
	for _, span := range spans {
		s.insertOne(span)
	}
	for s.spans > s.limits.Spans || s.size() > s.limits.Bytes {
		s.makeRoom()
	}
	for _, sub := range s.subscribers {
		sub.queue.put(spans)
	}
}

func (s *Store) insertOne(span *zipkin.Span) {
	id := lowID(span.TraceID)
	t := s.traces[id]
	if t == nil {
		t = &record{id: id}
		s.traces[id] = t
		s.order.append(t)
	}
	if t.has(&s.words, span) {
		return
	}
	p := s.words.pack(span)
	t.add(p, span.Timestamp)
	size := p.size()
	t.bytes += size
	s.bytes += size
	s.spans++
	s.index(t, span)
	if t.keeper != nil {
		t.keeper.grow(1, size)
		s.trim(t.keeper)
	}
}

// forget deletes a trace that is in no list any more.
func (s *Store) forget(t *record) {
	delete(s.traces, t.id)
	for _, span := range s.scratch.release(&s.words, t.spans) {
		s.unindex(t, span)
	}
	s.spans -= len(t.spans)
	s.bytes -= t.bytes
	s.metrics.evicted.Add(float64(len(t.spans)))
	t.spans, t.ids = nil, nil // Links may still have it, and its words are gone
}

// size returns the memory of all spans, in bytes.
func (s *Store) size() int64 { return s.bytes + s.words.bytes }

// lowID returns the lower 64 bits of a normalized trace id.
func lowID(id string) uint64 {
	n, _ := strconv.ParseUint(id[len(id)-16:], 16, 64) // normalized, so it is hex
	return n
}

// manySpans is the number of spans from which a map finds an id faster than a list.
const manySpans = 16

// has reports whether the trace has an equal span: senders repeat spans when a response is lost.
func (t *record) has(w *words, span *zipkin.Span) bool {
	candidates := t.spans
	if t.ids != nil {
		candidates = t.ids[span.ID]
	}
	return slices.ContainsFunc(candidates, func(p packed) bool { return p.id() == span.ID && equal(w.span(p), span) })
}

// add adds a span with its timestamp.
func (t *record) add(p packed, timestamp int64) {
	t.spans = append(t.spans, p)
	t.latest = max(t.latest, timestamp)
	switch {
	case t.ids != nil:
		t.ids[p.id()] = append(t.ids[p.id()], p)
	case len(t.spans) > manySpans:
		t.ids = make(map[string][]packed, 4*manySpans)
		for _, p := range t.spans {
			t.ids[p.id()] = append(t.ids[p.id()], p)
		}
	}
}

// traceList lists traces in the order of their arrival.
type traceList struct{ first, last *record }

func (l *traceList) append(t *record) {
	if t.earlier = l.last; t.earlier != nil {
		t.earlier.later = t
	} else {
		l.first = t
	}
	l.last = t
}

func (l *traceList) remove(t *record) {
	if t.earlier != nil {
		t.earlier.later = t.later
	} else {
		l.first = t.later
	}
	if t.later != nil {
		t.later.earlier = t.earlier
	} else {
		l.last = t.earlier
	}
	t.earlier, t.later = nil, nil // it may join another list, and must not keep references to its old neighbours
}
