package collector

import (
	"sync"
	"testing"

	"github.com/hopline/hopline/lab/zipkin"
)

func TestQueueDropsWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	q := newQueue(3)
	a, b, c, d := &zipkin.Span{ID: "a"}, &zipkin.Span{ID: "b"}, &zipkin.Span{ID: "c"}, &zipkin.Span{ID: "d"}
	if dropped := q.put([]*zipkin.Span{a, b}); dropped != 0 {
		t.Errorf("dropped %d of two in a queue of three", dropped)
	}
	if dropped := q.put([]*zipkin.Span{c, d}); dropped != 1 || q.droppedSpans() != 1 {
		t.Errorf("dropped %d, in all %d; want 1", dropped, q.droppedSpans())
	}
	select {
	case <-q.ready:
	default:
		t.Error("not ready")
	}
	if got := q.take(); len(got) != 3 || got[0] != a || got[2] != c {
		t.Errorf("took %v", got)
	}
	if got := q.take(); len(got) != 0 {
		t.Errorf("took %v from an empty queue", got)
	}
	q.put([]*zipkin.Span{d})
	if got := q.take(); len(got) != 1 || got[0] != d {
		t.Errorf("took %v", got)
	}
}

// Every span that many senders put arrives at the one receiver exactly once.
func TestQueueOfManySenders(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 500
	q := newQueue(senders * each)
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for range each {
				q.put([]*zipkin.Span{{}})
			}
		})
	}
	seen := map[*zipkin.Span]bool{}
	for len(seen) < senders*each {
		<-q.ready
		for _, span := range q.take() {
			if seen[span] {
				t.Fatal("a span arrived twice")
			}
			seen[span] = true
		}
	}
	wg.Wait()
	if q.droppedSpans() != 0 {
		t.Errorf("dropped %d", q.droppedSpans())
	}
}
