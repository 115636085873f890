package load

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPlanCountsItsRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rate           float64
		ramp, duration time.Duration
		limit, want    int
	}{
		{50, 0, 600 * time.Second, 0, 30000}, {50, 0, 10 * time.Millisecond, 0, 1}, {50, 10 * time.Second, 10 * time.Second, 0, 250},
		{50, 10 * time.Second, 20 * time.Second, 0, 750}, {50, 0, time.Hour, 7, 7}, {1.5, 0, 2 * time.Second, 0, 3},
	} {
		if got := newPlan(c.rate, c.ramp, c.duration, c.limit, 0).requests; got != c.want {
			t.Errorf("%+v: %d requests", c, got)
		}
	}
}

// TestPlanKeepsToItsRate checks that requests are in order, the first is due immediately, the last before the end, and at any time as many
// are due as the rate requires.
func TestPlanKeepsToItsRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		duration := time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "duration"))
		ramp := time.Duration(rapid.Int64Range(0, int64(duration)).Draw(t, "ramp"))
		p := newPlan(rapid.Float64Range(1, 1000).Draw(t, "rate"), ramp, duration, 0, 0)
		if p.due(0) != 0 {
			t.Fatalf("the first is due at %v", p.due(0))
		}
		if last := p.due(uint64(p.requests - 1)); last > duration {
			t.Fatalf("the last of %d is due at %v, after %v", p.requests, last, duration)
		}
		if next := p.due(uint64(p.requests)); next < duration-time.Millisecond && p.requests > 1 {
			t.Fatalf("one more would be due at %v, before %v", next, duration)
		}
		i := uint64(rapid.IntRange(0, p.requests-1).Draw(t, "request"))
		if p.due(i) > p.due(i+1) {
			t.Fatalf("request %d is due after the next", i)
		}
		if by := p.sent(p.due(i)); by < float64(i)-0.01 || by > float64(i)+0.01 {
			t.Fatalf("request %d is due when %v are sent", i, by)
		}
	})
}

func TestPlanPaces(t *testing.T) {
	t.Parallel()
	p := newPlan(10, 0, time.Second, 0, 5*time.Second)
	for _, c := range []struct {
		elapsed time.Duration
		sent    uint64
		wait    time.Duration
		stop    bool
	}{
		{0, 0, 0, false}, {0, 1, 100 * time.Millisecond, false}, {150 * time.Millisecond, 1, 0, false}, {time.Second, 10, 0, true},
		{5 * time.Second, 3, 0, false}, {6*time.Second + 1, 3, 0, true},
	} {
		if wait, stop := p.Pace(c.elapsed, c.sent); wait != c.wait || stop != c.stop {
			t.Errorf("after %v and %d: wait %v, stop %v", c.elapsed, c.sent, wait, stop)
		}
	}
}
