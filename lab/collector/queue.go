package collector

import (
	"sync"

	"github.com/hopline/hopline/lab/zipkin"
)

// queue hands spans from many senders to one receiver. Senders never wait: what does not fit is dropped and counted.
type queue struct {
	bound int           // in spans
	ready chan struct{} // has an element when there may be spans to take

	mu      sync.Mutex
	spans   []*zipkin.Span
	spare   []*zipkin.Span // the slice taken before last, to be filled again
	dropped uint64
}

func newQueue(bound int) *queue {
	return &queue{bound: bound, ready: make(chan struct{}, 1)}
}

// put adds spans, as many as there is room for, and returns how many it dropped.
func (q *queue) put(spans []*zipkin.Span) (dropped int) {
	if len(spans) == 0 {
		return 0
	}
	q.mu.Lock()
	if room := q.bound - len(q.spans); len(spans) > room {
		dropped = len(spans) - room
		q.dropped += uint64(dropped)
		spans = spans[:room]
	}
	q.spans = append(q.spans, spans...)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return dropped
}

// take empties the queue. The slice is the receiver's until it takes again, and then once more.
func (q *queue) take() []*zipkin.Span {
	q.mu.Lock()
	defer q.mu.Unlock()
	spans := q.spans
	clear(q.spare)
	q.spans, q.spare = q.spare[:0], spans
	return spans
}

// droppedSpans is how many spans found no room so far.
func (q *queue) droppedSpans() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}
