package console

import (
	"github.com/hopline/hopline/lab/internal/histogram"
	"github.com/hopline/hopline/lab/traffic"
)

// Rate holds the current traffic of a workload, over the last 10 to 15 seconds.
type Rate struct {
	PerSecond float64 `json:"per_second"` // with copies
	Errors    float64 `json:"errors"`     // of the requests without copies, the share that failed, from 0 to 1
	Copies    float64 `json:"copies"`     // of them are copies that a rule mirrors, from 0 to 1: their responses are discarded
	MeanMS    float64 `json:"mean_ms"`    // mean duration of the requests without copies; 0 without such
}

// ratesOf returns the rates of the workloads that edges lead to, by name: "hopline/middle-canary".
func ratesOf(edges []traffic.Edge) map[string]Rate {
	type sum struct {
		traffic.Totals
		perSecond float64
		duration  *histogram.Histogram
	}
	sums := map[string]*sum{}
	for _, e := range edges {
		if e.To.Kind != traffic.Workload || e.Requests+e.Copies == 0 {
			continue
		}
		s := sums[e.To.ID()]
		if s == nil {
			s = &sum{duration: histogram.New(histogram.Coarse)}
			sums[e.To.ID()] = s
		}
		s.Plus(e.Totals)
		s.perSecond += float64(e.Requests+e.Copies) / e.Window.Seconds()
		s.duration.Merge(e.Duration)
	}
	rates := map[string]Rate{}
	for name, s := range sums {
		rate := Rate{PerSecond: s.perSecond, Copies: float64(s.Copies) / float64(s.Requests+s.Copies)}
		if s.Requests > 0 {
			rate.Errors = float64(s.Errors) / float64(s.Requests)
			rate.MeanMS = 1000 * s.duration.Mean().Seconds()
		}
		rates[name] = rate
	}
	return rates
}
