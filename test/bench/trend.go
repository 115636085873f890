package main

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// blocks is the number of means that a trend is fitted to. Neighbouring memory samples are correlated, from one garbage collection to the
// next, so a fit to all samples would give too small an interval.
const blocks = 10

// trend holds the slope of a value, in its unit per minute, and the half width of the 95 % confidence interval.
type trend struct{ slope, half float64 }

// trendOf fits a straight line to the means of ten blocks of evenly spaced samples; times are in seconds. With fewer than ten samples the
// interval is infinite.
func trendOf(times, values []float64) trend {
	if len(values) < blocks {
		return trend{half: math.Inf(1)}
	}
	var xs, ys []float64
	for b := range blocks {
		from, to := b*len(values)/blocks, (b+1)*len(values)/blocks
		xs = append(xs, stat.Mean(times[from:to], nil)/60)
		ys = append(ys, stat.Mean(values[from:to], nil))
	}
	offset, slope := stat.LinearRegression(xs, ys, nil, false)
	var unexplained, spread float64
	middle := stat.Mean(xs, nil)
	for i, x := range xs {
		unexplained += math.Pow(ys[i]-offset-slope*x, 2)
		spread += math.Pow(x-middle, 2)
	}
	const degrees = blocks - 2
	t := distuv.StudentsT{Sigma: 1, Nu: degrees}.Quantile(0.975)
	return trend{slope, t * math.Sqrt(unexplained/degrees/spread)}
}

// String returns the slope with its interval.
func (t trend) String() string { return fmt.Sprintf("%+.2f ± %.2f", t.slope, t.half) }

// verdict returns "flat" if 0 lies within the interval, or if the slope is certainly smaller than negligible per minute.
func (t trend) verdict(negligible float64) string {
	switch {
	case math.IsInf(t.half, 1):
		return "too short to say"
	case math.Abs(t.slope) <= t.half, math.Abs(t.slope)+t.half < negligible:
		return "flat"
	case t.slope < 0:
		return "falling"
	default:
		return "rising"
	}
}
