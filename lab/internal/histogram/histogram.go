// Package histogram counts durations in bounded memory and computes their percentiles.
package histogram

import (
	"math"
	"math/bits"
	"time"
)

// Resolution is the number of bits of a duration that a histogram distinguishes: it sets the error of a percentile.
type Resolution uint8

// Resolutions: how much too high a percentile is at most. A Fine histogram takes at most 116 KiB, a Coarse one 4.5 KiB.
const (
	Fine   Resolution = 10 // 0.1 %
	Coarse Resolution = 5  // 3.2 %
)

// Longest is the longest duration that is counted; longer ones are counted as Longest.
const Longest = 48 * time.Hour

// Histogram counts durations. Buckets are one microsecond wide at first; then each power of two is divided into as many buckets as the
// resolution defines. It is not safe for concurrent use.
type Histogram struct {
	bits   Resolution
	counts []uint32
	n      uint64
	total  float64 // seconds
	least  time.Duration
	most   time.Duration
}

// New returns an empty histogram.
func New(r Resolution) *Histogram { return &Histogram{bits: r} }

// Add counts a duration. It allocates only when the duration is longer than all before it.
func (h *Histogram) Add(d time.Duration) {
	d = min(max(d, 0), Longest)
	i := h.bucket(uint64(d.Microseconds()))
	h.grow(i)
	h.counts[i]++
	if h.n == 0 || d < h.least {
		h.least = d
	}
	h.most = max(h.most, d)
	h.n++
	h.total += d.Seconds()
}

// Merge adds the counts of another histogram of the same resolution.
func (h *Histogram) Merge(o *Histogram) {
	if o.n == 0 {
		return
	}
	h.grow(len(o.counts) - 1)
	for i, c := range o.counts {
		h.counts[i] += c
	}
	if h.n == 0 || o.least < h.least {
		h.least = o.least
	}
	h.most = max(h.most, o.most)
	h.n += o.n
	h.total += o.total
}

// Reset removes all counts and keeps the memory.
func (h *Histogram) Reset() {
	clear(h.counts)
	h.n, h.total, h.least, h.most = 0, 0, 0, 0
}

// grow makes room for a bucket, in steps of one power of two.
func (h *Histogram) grow(bucket int) {
	for bucket >= len(h.counts) {
		h.counts = append(h.counts, make([]uint32, 1<<h.bits)...)
	}
}

// bucket returns the index of the bucket for a number of microseconds.
func (h *Histogram) bucket(us uint64) int {
	if us < 1<<h.bits {
		return int(us)
	}
	shift := bits.Len64(us) - 1 - int(h.bits)
	return shift<<h.bits + int(us>>shift)
}

// upper returns the longest duration of a bucket.
func (h *Histogram) upper(i int) time.Duration {
	if i < 1<<h.bits {
		return time.Duration(i) * time.Microsecond
	}
	shift := i>>h.bits - 1
	within := i & (1<<h.bits - 1)
	return time.Duration(uint64(within+1<<h.bits+1)<<shift-1) * time.Microsecond
}

// Percentile returns the duration that p per cent of all durations do not exceed; 0 if there are none.
func (h *Histogram) Percentile(p float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := max(1, uint64(math.Ceil(p/100*float64(h.n)-1e-9)))
	var seen uint64
	for i, c := range h.counts {
		if seen += uint64(c); seen >= rank {
			return min(h.upper(i), h.most)
		}
	}
	return h.most
}

// Count returns the number of durations.
func (h *Histogram) Count() uint64 { return h.n }

// Min returns the shortest duration; 0 if there are none.
func (h *Histogram) Min() time.Duration { return h.least }

// Max returns the longest duration; 0 if there are none.
func (h *Histogram) Max() time.Duration { return h.most }

// Mean returns the mean duration; 0 if there are none.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return time.Duration(h.total / float64(h.n) * float64(time.Second))
}
