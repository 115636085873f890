package telemetry

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// sink is an exporter that keeps names, and fails or hangs on request.
type sink struct {
	mu      sync.Mutex
	names   []string
	batches int
	err     error
	hang    bool
}

func (s *sink) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	s.batches++
	if s.err == nil {
		for _, span := range spans {
			s.names = append(s.names, span.Name())
		}
	}
	return s.err
}

func (s *sink) Shutdown(context.Context) error { return nil }

// left returns the names of the spans that left the queue.
func (s *sink) left() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.names, "")
}

// fail makes exports fail with err from now on.
func (s *sink) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// rig is a provider with a queue and a sink.
type rig struct {
	*sink
	queue   *queue
	tracer  trace.Tracer
	dropped prometheus.Counter
	logs    *observer.ObservedLogs
}

func newRig(settings SDK) *rig {
	core, logs := observer.New(zapcore.DebugLevel)
	r := &rig{sink: &sink{}, dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "dropped"}), logs: logs}
	r.queue = newQueue(r.sink, &settings, r.dropped, zap.New(core))
	r.tracer = sdk.NewTracerProvider(sdk.WithSpanProcessor(r.queue)).Tracer("test")
	return r
}

func (r *rig) end(names ...string) {
	for _, name := range names {
		_, span := r.tracer.Start(context.Background(), name)
		span.End()
	}
}

// TestQueue: spans are exported when a batch is full, at each interval, and at the end; all of them, in order.
func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(SDK{QueueSize: 10, BatchSize: 2, ScheduleDelay: 1000, ExportTimeout: 1000})
		r.end("a", "b", "c")
		synctest.Wait()
		if got := r.left(); got != "ab" {
			t.Errorf("after three spans %q left, wanted the full batch", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := r.left(); got != "abc" {
			t.Errorf("after the delay %q left, wanted all", got)
		}
		r.end("d")
		if err := r.queue.ForceFlush(t.Context()); err != nil || r.left() != "abcd" {
			t.Errorf("after a flush %q left (%v), wanted all", r.left(), err)
		}
		r.end("e")
		if err := r.queue.Shutdown(t.Context()); err != nil || r.left() != "abcde" {
			t.Errorf("after the end %q left (%v), wanted all", r.left(), err)
		}
		r.end("late")
		if got := testutil.ToFloat64(r.dropped); got != 1 {
			t.Errorf("%v spans counted as dropped, wanted the one after the end", got)
		}
	})
}

// TestQueueFull: a span that ends while the queue is full is counted, and its request does not wait.
func TestQueueFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(SDK{QueueSize: 3, BatchSize: 1, ScheduleDelay: 1000, ExportTimeout: 5000})
		r.hang = true
		r.end("taken")
		synctest.Wait() // the exporter hangs with it
		began := time.Now()
		r.end("1", "2", "3", "4", "5")
		if waited := time.Since(began); waited > 0 {
			t.Errorf("ending spans took %v, wanted no time", waited)
		}
		if got := testutil.ToFloat64(r.dropped); got != 2 {
			t.Errorf("%v spans dropped, wanted 2 of 5 in a queue of 3", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.queue.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("the shutdown took %v with an exporter that hangs, wanted 1s", waited)
		}
		if got := testutil.ToFloat64(r.dropped); got != 6 {
			t.Errorf("%v spans dropped, wanted all 6", got)
		}
	})
}

// TestQueueFailing: a failing exporter is logged once, and once more when it recovers.
func TestQueueFailing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(SDK{QueueSize: 10, BatchSize: 1, ScheduleDelay: 1000, ExportTimeout: 1000})
		r.fail(errors.New("collector is down"))
		r.end("a", "b", "c")
		synctest.Wait()
		r.fail(nil)
		r.end("d")
		if err := r.queue.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := testutil.ToFloat64(r.dropped); got != 3 {
			t.Errorf("%v spans dropped, wanted 3", got)
		}
		var lines []string
		for _, entry := range r.logs.All() {
			lines = append(lines, entry.Level.String()+": "+entry.Message)
		}
		if got := strings.Join(lines, "\n"); got != "warn: spans are lost until the exporter works again\ninfo: the span exporter works again" {
			t.Errorf("logged:\n%s", got)
		}
	})
}
