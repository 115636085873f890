package telemetry

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"
)

// queue is a span processor that hands spans to an exporter in batches. Unlike the SDK's own it counts each span that it loses,
// be it for want of room or because the exporter failed, and it logs the first failure and the recovery in place of each one.
//
// A span that ends costs the request one send on a channel. The channel bounds the memory.
type queue struct {
	exporter sdk.SpanExporter
	spans    chan sdk.ReadOnlySpan
	flush    chan chan struct{}
	stop     chan struct{} // closed by Shutdown
	done     chan struct{} // closed when the last batch is out
	stopOnce sync.Once

	batchSize     int
	scheduleDelay time.Duration
	exportTimeout time.Duration

	dropped prometheus.Counter
	log     *zap.Logger
	failing atomic.Bool
	cut     atomic.Pointer[context.CancelFunc] // ends an export under way
}

// newQueue starts the goroutine that exports. Shutdown ends it.
func newQueue(exporter sdk.SpanExporter, s *SDK, dropped prometheus.Counter, log *zap.Logger) *queue {
	q := &queue{
		exporter:      exporter,
		spans:         make(chan sdk.ReadOnlySpan, s.QueueSize),
		flush:         make(chan chan struct{}),
		stop:          make(chan struct{}),
		done:          make(chan struct{}),
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

// OnEnd implements sdk.SpanProcessor. It never blocks.
func (q *queue) OnEnd(span sdk.ReadOnlySpan) {
	if !span.SpanContext().IsSampled() {
		return
	}
	select {
	case <-q.stop:
		q.dropped.Inc()
		return
	default:
	}
	select {
	case q.spans <- span:
	default:
		q.dropped.Inc()
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

// Shutdown implements sdk.SpanProcessor: exports what waits, as long as ctx allows, and stops the exporter.
func (q *queue) Shutdown(ctx context.Context) error {
	q.stopOnce.Do(func() { close(q.stop) })
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

// run collects spans and exports a batch when it is full, when it is time, and at the end.
func (q *queue) run() {
	defer close(q.done)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	q.cut.Store(&cancel)

	tick := time.NewTicker(q.scheduleDelay)
	defer tick.Stop()
	batch := make([]sdk.ReadOnlySpan, 0, min(q.batchSize, 64))
	for {
		select {
		case span := <-q.spans:
			if batch = append(batch, span); len(batch) >= q.batchSize {
				batch = q.export(ctx, batch)
			}
		case <-tick.C:
			batch = q.export(ctx, batch)
		case flushed := <-q.flush:
			batch = q.drain(ctx, batch)
			close(flushed)
		case <-q.stop:
			q.drain(ctx, batch)
			return
		}
	}
}

// drain exports the batch and all that waits.
func (q *queue) drain(ctx context.Context, batch []sdk.ReadOnlySpan) []sdk.ReadOnlySpan {
	for {
		select {
		case span := <-q.spans:
			if batch = append(batch, span); len(batch) >= q.batchSize {
				batch = q.export(ctx, batch)
			}
		default:
			return q.export(ctx, batch)
		}
	}
}

// export sends a batch and returns it emptied.
func (q *queue) export(ctx context.Context, batch []sdk.ReadOnlySpan) []sdk.ReadOnlySpan {
	if len(batch) == 0 {
		return batch
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
	return batch[:0]
}
