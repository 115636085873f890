package collector

import (
	"sync"

	"github.com/hopline/hopline/lab/zipkin"
)

// queue passes spans from many senders to one receiver. Senders never wait: spans beyond the bound are dropped and counted.
type queue struct {
	bound int           // in spans
	ready chan struct{} // has an element when there may be spans

	mu      sync.Mutex
	spans   []*zipkin.Span
	spare   []*zipkin.Span // the slice taken before last, for reuse
	dropped uint64
}

func newQueue(bound int) *queue {
	return &queue{bound: bound, ready: make(chan struct{}, 1)}
}

// put adds as many spans as there is room for, and returns how many it dropped.
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

// take empties the queue. The slice is valid until the second next call.
func (q *queue) take() []*zipkin.Span {
	q.mu.Lock()
	defer q.mu.Unlock()
	spans := q.spans
	clear(q.spare)
	q.spans, q.spare = q.spare[:0], spans
	return spans
}

// droppedSpans returns how many spans were dropped so far.
func (q *queue) droppedSpans() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}
