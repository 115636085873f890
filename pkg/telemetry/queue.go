package telemetry

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"
)

// queue is a span processor that passes spans to an exporter in batches and counts each lost span in trace_spans_dropped_total. The SDK's
// BatchSpanProcessor cannot replace it: it does not publish its count of spans that found no room, and does not count spans that end after
// its shutdown or whose export failed. Its experimental metrics (OTEL_GO_X_OBSERVABILITY) use the global meter provider of OpenTelemetry,
// and count only spans without room. The queue also logs the first failure and the recovery, not each failure.
//
// A span that ends costs its request one append to a bounded list. The exporting goroutine wakes for a full batch and at each interval, not
// for each span.
type queue struct {
	exporter sdk.SpanExporter
	full     chan struct{} // has an element if there may be a full batch
	flush    chan chan struct{}
	stop     chan struct{} // closed by Shutdown
	done     chan struct{} // closed when the last batch has been exported

	size, batchSize int
	scheduleDelay   time.Duration
	exportTimeout   time.Duration

	dropped prometheus.Counter
	log     *zap.Logger
	failing atomic.Bool
	cut     atomic.Pointer[context.CancelFunc] // cancels an export in progress
	batch   []sdk.ReadOnlySpan                 // in progress; only the exporting goroutine uses it

	mu      sync.Mutex
	waiting []sdk.ReadOnlySpan
	stopped bool
}

// newQueue starts the exporting goroutine. Shutdown ends it.
func newQueue(exporter sdk.SpanExporter, s *SDK, dropped prometheus.Counter, log *zap.Logger) *queue {
	q := &queue{
		exporter:      exporter,
		full:          make(chan struct{}, 1),
		flush:         make(chan chan struct{}),
		stop:          make(chan struct{}),
		done:          make(chan struct{}),
		size:          s.QueueSize,
		batchSize:     s.BatchSize,
		scheduleDelay: time.Duration(s.ScheduleDelay) * time.Millisecond,
		exportTimeout: time.Duration(s.ExportTimeout) * time.Millisecond,
		dropped:       dropped,
		log:           log,
	}
	go q.run()
	return q
}

// OnStart implements sdk.SpanProcessor.
func (q *queue) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd implements sdk.SpanProcessor. It never waits for the exporter.
func (q *queue) OnEnd(span sdk.ReadOnlySpan) {
	if !span.SpanContext().IsSampled() {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped || len(q.waiting) >= q.size {
		q.dropped.Inc()
		return
	}
	q.waiting = append(q.waiting, span)
	q.wake()
}

// wake wakes the exporting goroutine if there is a full batch. The caller holds q.mu.
func (q *queue) wake() {
	if len(q.waiting) < q.batchSize {
		return
	}
	select {
	case q.full <- struct{}{}:
	default: // the goroutine is about to check anyway
	}
}

// ForceFlush implements sdk.SpanProcessor: it returns when every span that ended before has been exported or lost.
func (q *queue) ForceFlush(ctx context.Context) error {
	flushed := make(chan struct{})
	select {
	case q.flush <- flushed:
	case <-q.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-flushed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Shutdown implements sdk.SpanProcessor: it exports the queued spans until ctx ends, and stops the exporter.
func (q *queue) Shutdown(ctx context.Context) error {
	q.mu.Lock()
	if !q.stopped {
		q.stopped = true
		close(q.stop)
	}
	q.mu.Unlock()
	select {
	case <-q.done:
	case <-ctx.Done():
		if cut := q.cut.Load(); cut != nil {
			(*cut)()
		}
		<-q.done
	}
	return q.exporter.Shutdown(ctx)
}

// run exports a batch when it is full, all queued spans at each interval, and all of them at the end.
func (q *queue) run() {
	defer close(q.done)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q.cut.Store(&cancel)

	tick := time.NewTicker(q.scheduleDelay)
	defer tick.Stop()
	for {
		select {
		case <-q.full:
			q.export(ctx, q.take(q.batchSize))
		case <-tick.C:
			q.export(ctx, q.take(1))
		case flushed := <-q.flush:
			q.drain(ctx)
			close(flushed)
		case <-q.stop:
			q.drain(ctx)
			return
		}
	}
}

// take returns the next batch if at least that many spans are queued.
func (q *queue) take(least int) []sdk.ReadOnlySpan {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), q.batchSize)
	if n < least {
		return nil
	}
	q.batch = append(q.batch[:0], q.waiting[:n]...)
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.wake()
	return q.batch
}

// drain exports the spans that are queued now, not those that arrive meanwhile, which might never end.
func (q *queue) drain(ctx context.Context) {
	q.mu.Lock()
	n := len(q.waiting)
	q.mu.Unlock()
	for n > 0 {
		batch := q.take(1)
		n -= len(batch)
		q.export(ctx, batch)
	}
}

// export sends a batch and drops its reference to it.
func (q *queue) export(ctx context.Context, batch []sdk.ReadOnlySpan) {
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, q.exportTimeout)
	defer cancel()
	if err := q.exporter.ExportSpans(ctx, batch); err != nil {
		q.dropped.Add(float64(len(batch)))
		if !q.failing.Swap(true) {
			q.log.Warn("spans are lost until the exporter works again", zap.Error(err), zap.Int("spans", len(batch)))
		}
	} else if q.failing.Swap(false) {
		q.log.Info("the span exporter works again")
	}
	clear(batch)
}
