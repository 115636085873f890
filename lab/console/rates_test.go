package console

import (
	"math"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/histogram"
	"github.com/hopline/hopline/lab/traffic"
)

// edgeTo returns an edge with requests of 10 ms each, over ten seconds.
func edgeTo(workload string, requests, errors, copies int) traffic.Edge {
	e := traffic.Edge{
		EdgeKey: traffic.EdgeKey{To: traffic.End{Kind: traffic.Workload, Namespace: "hopline", Name: workload}},
		Totals:  traffic.Totals{Requests: uint64(requests), Errors: uint64(errors), Copies: uint64(copies)},
		Window:  10 * time.Second, Duration: histogram.New(histogram.Coarse),
	}
	for range requests {
		e.Duration.Add(10 * time.Millisecond)
	}
	return e
}

// TestRates sums what the edges to a workload carry, and separates the requests that a rule mirrors from those whose response is used.
func TestRates(t *testing.T) {
	t.Parallel()
	nobody := edgeTo("", 1000, 1000, 0)
	nobody.To = traffic.End{Kind: traffic.Mesh}
	rates := ratesOf([]traffic.Edge{
		edgeTo("core-prod", 30, 10, 0), edgeTo("core-prod", 10, 0, 0), nobody,
		edgeTo("middle-dev", 20, 0, 0), edgeTo("middle-dev", 0, 0, 60), edgeTo("front-blue", 0, 0, 0), edgeTo("clock", 0, 0, 5),
	})
	for name, want := range map[string]Rate{
		"hopline/core-prod":  {PerSecond: 4, Errors: 0.25, MeanMS: 10},
		"hopline/middle-dev": {PerSecond: 8, Copies: 0.75, MeanMS: 10},
		"hopline/front-blue": {},
		"hopline/clock":      {PerSecond: 0.5, Copies: 1},
	} {
		got := rates[name]
		near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
		if !near(got.PerSecond, want.PerSecond) || !near(got.Errors, want.Errors) || !near(got.Copies, want.Copies) || !near(got.MeanMS, want.MeanMS) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if len(rates) != 3 {
		t.Errorf("there are rates of %v, want those of workloads with requests", rates)
	}
}
