package histogram

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// errors holds how much too high a percentile of each resolution may be.
var errors = map[Resolution]float64{Fine: 0.001, Coarse: 0.032}

func TestPercentilesAgreeWithSorting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		durations := rapid.SliceOfN(rapid.Int64Range(0, int64(2*time.Hour)), 1, 300).Draw(t, "durations")
		p := rapid.Float64Range(0, 100).Draw(t, "percentile")
		r := rapid.SampledFrom([]Resolution{Fine, Coarse}).Draw(t, "resolution")
		split := rapid.IntRange(0, len(durations)).Draw(t, "split")
		h, rest := New(r), New(r)
		for i, d := range durations {
			if i < split {
				h.Add(time.Duration(d))
			} else {
				rest.Add(time.Duration(d))
			}
		}
		h.Merge(rest)
		if h.Min() != time.Duration(slices.Min(durations)) || h.Max() != time.Duration(slices.Max(durations)) || h.Count() != uint64(len(durations)) {
			t.Fatalf("least %v, most %v, %d counted of %v", h.Min(), h.Max(), h.Count(), durations)
		}
		slices.Sort(durations)
		rank := 0
		for rank < len(durations)-1 && float64(rank+1) < p/100*float64(len(durations))-1e-9 {
			rank++
		}
		exact := time.Duration(durations[rank])
		got := h.Percentile(p)
		if got < exact.Truncate(time.Microsecond) || float64(got) > float64(exact)*(1+errors[r])+1000 {
			t.Fatalf("percentile %v of %d: got %v, want %v", p, len(durations), got, exact)
		}
	})
}

func TestHistogramIsBounded(t *testing.T) {
	t.Parallel()
	for r, most := range map[Resolution]int{Fine: 116 << 10, Coarse: 4608} {
		h := New(r)
		for range 1_000_000 {
			h.Add(time.Duration(rand.Int64()))
		}
		if size := 4 * len(h.counts); size > most {
			t.Errorf("resolution %d: %d bytes, want at most %d", r, size, most)
		}
		if h.Count() != 1_000_000 || h.Max() > Longest {
			t.Errorf("resolution %d: n %d, most %v", r, h.Count(), h.Max())
		}
		before := len(h.counts)
		if h.Reset(); h.Count() != 0 || h.Percentile(99) != 0 || h.Mean() != 0 || len(h.counts) != before {
			t.Errorf("resolution %d: after Reset %d are counted, p99 is %v, and %d of %d buckets are kept", r, h.Count(), h.Percentile(99), len(h.counts), before)
		}
	}
}

func TestBucketsAreInOrder(t *testing.T) {
	t.Parallel()
	for _, r := range []Resolution{Fine, Coarse} {
		h := New(r)
		last := -1
		for us := range uint64(1 << 20) {
			i := h.bucket(us)
			if i != last && i != last+1 {
				t.Fatalf("%d µs falls into bucket %d after %d", us, i, last)
			}
			if u := uint64(h.upper(i).Microseconds()); us > u || i != last && last >= 0 && uint64(h.upper(last).Microseconds()) != us-1 {
				t.Fatalf("%d µs is not within bucket %d, which ends at %d µs", us, i, u)
			}
			last = i
		}
	}
}

// TestAddAllocatesNothing holds for durations no longer than one before.
func TestAddAllocatesNothing(t *testing.T) {
	h := New(Coarse)
	h.Add(time.Second)
	if n := testing.AllocsPerRun(100, func() { h.Add(10 * time.Millisecond) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
