package collector

import (
	"slices"

	"github.com/hopline/hopline/lab/zipkin"
)

// Subscription receives, in batches, every span that a store stores from then on. A slow receiver loses spans and never delays the store.
type Subscription struct {
	store  *Store
	queue  *queue
	closed chan struct{}
}

// Subscribe starts a subscription that holds at most bound spans between two calls of Take.
func (s *Store) Subscribe(bound int) *Subscription {
	sub := &Subscription{store: s, queue: newQueue(bound), closed: make(chan struct{})}
	s.lock()
	defer s.mu.Unlock()
	s.subscribers = append(s.subscribers, sub)
	return sub
}

// Done is closed when the store is closed.
func (sub *Subscription) Done() <-chan struct{} { return sub.closed }

// Take returns the spans since the last call, in the order of their arrival. The slice is valid until the next call.
func (sub *Subscription) Take() []*zipkin.Span { return sub.queue.take() }

// Dropped returns how many spans were lost because Take was not called in time.
func (sub *Subscription) Dropped() uint64 { return sub.queue.droppedSpans() }

// Close ends the subscription. It may be called more than once.
func (sub *Subscription) Close() {
	sub.store.mu.Lock()
	defer sub.store.mu.Unlock()
	sub.store.subscribers = slices.DeleteFunc(sub.store.subscribers, func(s *Subscription) bool { return s == sub })
}
