package load

import (
	"context"
	"time"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// Rules are the rules from which a run computes the expected shares.
type Rules struct {
	Overlay *overlay.Overlay
	Table   *mesh.Table
	Name    string // for the report: "rules of the lab: overlay deploy/overlays/canary"
}

// Run is a run in the background. Its methods may be called from any goroutine.
type Run struct {
	Command *Command // not changed during the run

	running *running
	stop    context.CancelFunc
	ended   chan struct{}
	report  *Report // set before ended is closed
}

// Live holds the figures of a run so far. Times are in milliseconds unless a name ends in seconds.
type Live struct {
	Elapsed   float64    `json:"elapsed_seconds"`
	Planned   int        `json:"planned"` // requests of the whole run
	Sent      int64      `json:"sent"`
	Done      uint64     `json:"done"`
	Errors    uint64     `json:"errors"`
	InFlight  int64      `json:"in_flight"`
	AskedRate float64    `json:"asked_rate"` // per second, on average so far
	HeldRate  float64    `json:"held_rate"`  // sent per second, on average so far
	P50       float64    `json:"p50_ms"`
	P99       float64    `json:"p99_ms"`
	Intervals []Interval `json:"intervals"`
}

// Start begins a run of a command that Check has found valid. The run ends with its plan, by Stop, or when ctx ends, which also ends the
// requests in flight immediately. rules is nil if nothing is expected. page returns the URL of a trace's page; nil for none.
func Start(ctx context.Context, c *Command, rules *Rules, page func(trace string) string) (*Run, error) {
	var expected *expectation
	if rules != nil {
		var err error
		if expected, err = c.expect(rules.Overlay, rules.Table); err != nil {
			return nil, err
		}
	}
	running, err := c.prepare(expected)
	if err != nil {
		return nil, err
	}
	r := &Run{Command: c, running: running, ended: make(chan struct{})}
	var sending context.Context
	sending, r.stop = context.WithCancel(ctx)
	cut := context.AfterFunc(ctx, running.cut)
	go func() {
		defer close(r.ended)
		defer running.close()
		defer cut()
		defer r.stop()
		running.send(sending)
		running.over.Store(int64(max(1, time.Since(running.plan.start()))))
		r.report = running.summary()
		if rules != nil {
			r.report.Rules = rules.Name
		}
		if page != nil {
			r.report.Link(page)
		}
	}()
	return r, nil
}

// Stop ends the run early. Requests in flight have two seconds to end.
func (r *Run) Stop() { r.stop() }

// Ended is closed when the run has ended.
func (r *Run) Ended() <-chan struct{} { return r.ended }

// Report returns the report of a run that has ended, and nil before.
func (r *Run) Report() *Report {
	select {
	case <-r.ended:
		return r.report
	default:
		return nil
	}
}

// Live returns the figures so far. The newest interval is not complete, nor is one with requests that are in flight.
func (r *Run) Live() Live { return r.running.live() }

func (r *running) live() Live {
	elapsed := min(time.Since(r.plan.start()), r.plan.span())
	if over := r.over.Load(); over > 0 {
		elapsed = min(elapsed, time.Duration(over))
	}
	since := max(elapsed, time.Millisecond).Seconds()
	r.rec.mu.Lock()
	defer r.rec.mu.Unlock()
	live := Live{
		Elapsed: elapsed.Seconds(), Planned: r.plan.requests, Sent: r.target.sent.Load(), Done: r.rec.latency.Count(), Errors: r.rec.errors,
		InFlight: r.target.inFlight.Load(), AskedRate: float64(r.plan.dueBy(elapsed)) / since,
		P50: ms(r.rec.latency.Percentile(50)), P99: ms(r.rec.latency.Percentile(99)), Intervals: r.rec.report(),
	}
	live.HeldRate = float64(live.Sent) / since
	for i := range live.Intervals {
		from, to := time.Duration(i)*r.rec.width, min(time.Duration(i+1)*r.rec.width, elapsed)
		live.Intervals[i].Asked = uint64(max(0, r.plan.dueBy(to)-r.plan.dueBy(from)))
	}
	return live
}
