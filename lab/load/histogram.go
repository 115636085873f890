package load

import (
	"math"
	"math/bits"
	"time"
)

// histogram counts durations in bounded memory. Buckets are one microsecond wide at first; then each power of two is divided into 1024, so
// that a percentile is at most 0.1 % too high.
type histogram struct {
	counts []uint32
	n      uint64
	total  float64 // seconds
	least  time.Duration
	most   time.Duration
}

const (
	subBits    = 10
	subBuckets = 1 << subBits
	longest    = 48 * time.Hour // longer ones are counted as this long
)

func (h *histogram) add(d time.Duration) {
	d = min(max(d, 0), longest)
	i := bucket(uint64(d.Microseconds()))
	for i >= len(h.counts) {
		h.counts = append(h.counts, make([]uint32, subBuckets)...)
	}
	h.counts[i]++
	if h.n == 0 || d < h.least {
		h.least = d
	}
	h.most = max(h.most, d)
	h.n++
	h.total += d.Seconds()
}

// bucket returns the index of the bucket for a number of microseconds.
func bucket(us uint64) int {
	if us < subBuckets {
		return int(us)
	}
	shift := bits.Len64(us) - 1 - subBits
	return (shift+1)*subBuckets + int(us>>shift) - subBuckets
}

// upper returns the longest duration of a bucket.
func upper(i int) time.Duration {
	if i < subBuckets {
		return time.Duration(i) * time.Microsecond
	}
	shift := i/subBuckets - 1
	return time.Duration(uint64(i%subBuckets+subBuckets+1)<<shift-1) * time.Microsecond
}

// percentile returns the duration that p per cent of all durations do not exceed; 0 if there are none.
func (h *histogram) percentile(p float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := max(1, uint64(math.Ceil(p/100*float64(h.n)-1e-9)))
	var seen uint64
	for i, c := range h.counts {
		if seen += uint64(c); seen >= rank {
			return min(upper(i), h.most)
		}
	}
	return h.most
}

func (h *histogram) mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return seconds(h.total / float64(h.n))
}
