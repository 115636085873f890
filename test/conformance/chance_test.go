package conformance

import (
	"sync"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

const (
	// alpha is the probability that one statistical check fails although the share is right: so small that hundreds of them pass.
	alpha = 1e-6
	// certain is the number of calls for a case without randomness.
	certain = 100
)

// tally makes n calls, eight at a time, and counts the results of once.
func tally(t *testing.T, n int, once func(i int) (string, error)) map[string]int {
	t.Helper()
	return tallyOf(t, n, 8, once)
}

// tallyOf makes n calls, so many at a time, and counts the results of once.
func tallyOf(t *testing.T, n, concurrent int, once func(i int) (string, error)) map[string]int {
	t.Helper()
	var (
		counts = map[string]int{}
		mu     sync.Mutex
		wg     sync.WaitGroup
		work   = make(chan int, n)
		first  error
	)
	for i := range n {
		work <- i
	}
	close(work)
	for range concurrent {
		wg.Go(func() {
			for i := range work {
				key, err := once(i)
				mu.Lock()
				if err != nil && first == nil {
					first = err
				}
				counts[key]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if first != nil {
		t.Fatal(first)
	}
	return counts
}

// shares are the expected parts of the responses; they need not add up to one.
type shares map[string]float64

// all returns the shares of a single target.
func all(to string) shares { return shares{to: 1} }

// chancy reports whether the shares are random.
func (s shares) chancy() bool {
	ways := 0
	for _, share := range s {
		if share > 0 {
			ways++
		}
	}
	return ways > 1
}

// calls returns how many calls it takes to check the shares.
func (s shares) calls() int {
	if s.chancy() {
		return *samples
	}
	return certain
}

// fits compares counts with the expected shares, by Pearson's χ² test. A share of 0 allows no call at all.
func fits(t *testing.T, what string, counts map[string]int, want shares) {
	t.Helper()
	n, total := 0, 0.0
	for key, count := range counts {
		n += count
		if want[key] == 0 {
			t.Errorf("%s: %d responses were %q, wanted none; all: %v", what, count, key, counts)
			return
		}
	}
	for _, share := range want {
		total += share
	}
	statistic, categories := 0.0, 0
	for key, share := range want {
		if share == 0 {
			continue
		}
		expected := float64(n) * share / total
		d := float64(counts[key]) - expected
		statistic += d * d / expected
		categories++
	}
	if categories < 2 {
		return
	}
	if p := (distuv.ChiSquared{K: float64(categories - 1)}).Survival(statistic); p < alpha {
		t.Errorf("%s: saw %v, wanted shares %v: χ² = %.1f, p = %.2g", what, counts, want, statistic, p)
	}
}
