package console

import (
	"math"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/traffic"
)

func TestRates(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_800_000_000, 0)
	var r rates
	at := func(second int, good, bad uint64) {
		r.add(start.Add(time.Duration(second)*time.Second), []traffic.Flow{
			{Namespace: "hopline", Workload: "core-prod", Code: 200, Requests: good, Seconds: float64(good) * 0.010},
			{Namespace: "hopline", Workload: "core-prod", Code: 503, Requests: bad, Seconds: float64(bad) * 0.010},
			{Code: 404, Requests: 1000}, // nobody answered: no workload's
		})
	}
	wants := func(perSecond, errors float64) {
		t.Helper()
		got := r.of("hopline/core-prod")
		if math.Abs(got.PerSecond-perSecond) > 1e-9 || math.Abs(got.Errors-errors) > 1e-9 {
			t.Errorf("%+v, want %v per second, of them %v failed", got, perSecond, errors)
		}
	}
	wants(0, 0)
	at(0, 100, 0)
	wants(0, 0) // what was before counts for nothing
	at(1, 103, 1)
	wants(4, 0.25)
	at(2, 103, 1)
	wants(2, 0.25)
	if got := r.of("hopline/core-prod").MeanMS; math.Abs(got-10) > 1e-9 {
		t.Errorf("%v ms on average, want 10", got)
	}
	for second := 3; second <= 11; second++ {
		at(second, 103, 1)
	}
	wants(0, 0) // ten seconds later it is forgotten
	if len(r.samples) > 12 {
		t.Errorf("%d samples are kept for a window of 10 s", len(r.samples))
	}
	at(12, 5, 0) // counted anew
	wants(5/10.0, 0)
}

// TestCopies separates the requests that a rule mirrors from those whose response is used.
func TestCopies(t *testing.T) {
	t.Parallel()
	var r rates
	now := time.Unix(1_800_000_000, 0)
	for second := range 2 {
		n := uint64(second)
		r.add(now.Add(time.Duration(second)*time.Second), []traffic.Flow{
			{Namespace: "hopline", Workload: "middle-prod", Code: 200, Requests: 8 * n},
			{Namespace: "hopline", Workload: "middle-dev", Code: 200, Requests: 2 * n},
			{Namespace: "hopline", Workload: "middle-dev", Code: 200, Requests: 6 * n, Copy: true},
		})
	}
	if prod, dev := r.of("hopline/middle-prod"), r.of("hopline/middle-dev"); prod.Copies != 0 || dev.Copies != 0.75 || dev.PerSecond != 8 {
		t.Errorf("prod %+v and dev %+v, want no copies, and 75 %% of 8 a second", prod, dev)
	}
}
