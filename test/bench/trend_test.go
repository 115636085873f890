package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

func samples(n int, value func(second float64) float64) (times, values []float64) {
	for i := range n {
		times = append(times, float64(i))
		values = append(values, value(float64(i)))
	}
	return times, values
}

func TestTrendFindsTheSlope(t *testing.T) {
	got := trendOf(samples(60, func(s float64) float64 { return 40 + s/60*3 }))
	if math.Abs(got.slope-3) > 1e-9 || got.half > 1e-9 {
		t.Errorf("3 a minute: got %v", got)
	}
	if v := got.verdict(1); v != "rising" {
		t.Errorf("3 a minute: got %q, want rising", v)
	}
	if v := got.verdict(4); v != "flat" {
		t.Errorf("3 a minute where 4 do not matter: got %q, want flat", v)
	}
}

// Of 2,000 level series with noise, 95 % have 0 in their interval: between 92 and 98 % except with a chance of less than one in a million.
func TestTrendIsAsSureAsItSays(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	flat := 0
	for range 2000 {
		if trendOf(samples(50, func(float64) float64 { return random.NormFloat64() })).verdict(0) == "flat" {
			flat++
		}
	}
	if flat < 1840 || flat > 1960 {
		t.Errorf("%d of 2000 level series were called flat, want about 1900", flat)
	}
}

func TestTrendOfTooFew(t *testing.T) {
	if v := trendOf(samples(blocks-1, func(s float64) float64 { return s })).verdict(100); v != "too short to say" {
		t.Errorf("got %q", v)
	}
}
