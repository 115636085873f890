package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPercentilesAgreeWithSorting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		durations := rapid.SliceOfN(rapid.Int64Range(0, int64(2*time.Hour)), 1, 300).Draw(t, "durations")
		p := rapid.Float64Range(0, 100).Draw(t, "percentile")
		var h histogram
		for _, d := range durations {
			h.add(time.Duration(d))
		}
		slices.Sort(durations)
		rank := 0
		for rank < len(durations)-1 && float64(rank+1) < p/100*float64(len(durations))-1e-9 {
			rank++
		}
		exact := time.Duration(durations[rank])
		got := h.percentile(p)
		if got < exact.Truncate(time.Microsecond) || float64(got) > float64(exact)*1.001+1000 {
			t.Fatalf("percentile %v of %d: got %v, want %v", p, len(durations), got, exact)
		}
	})
}

func TestHistogramIsBounded(t *testing.T) {
	t.Parallel()
	var h histogram
	for range 1_000_000 {
		h.add(time.Duration(rand.Int64()))
	}
	if len(h.counts) > 40*subBuckets {
		t.Errorf("%d buckets", len(h.counts))
	}
	if h.n != 1_000_000 || h.most > longest {
		t.Errorf("n %d, most %v", h.n, h.most)
	}
}

func TestBucketsAreInOrder(t *testing.T) {
	t.Parallel()
	last := -1
	for us := range uint64(1 << 20) {
		i := bucket(us)
		if i != last && i != last+1 {
			t.Fatalf("%d µs falls into bucket %d after %d", us, i, last)
		}
		if u := uint64(upper(i).Microseconds()); us > u || i != last && last >= 0 && uint64(upper(last).Microseconds()) != us-1 {
			t.Fatalf("%d µs is not within bucket %d, which ends at %d µs", us, i, u)
		}
		last = i
	}
}
