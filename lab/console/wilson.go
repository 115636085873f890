package console

import "math"

// wilson returns the 95 % confidence interval of a share, when k of n requests are observed. It is Wilson's score interval, which keeps its
// coverage for small n and for shares near 0 and 1; without requests it is everything, 0 to 1.
// (https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval)
func wilson(k, n uint64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959964 // the 97.5 % quantile of the normal distribution
	total, p := float64(n), float64(k)/float64(n)
	centre := (p + z*z/(2*total)) / (1 + z*z/total)
	half := z / (1 + z*z/total) * math.Sqrt(p*(1-p)/total+z*z/(4*total*total))
	low, high = centre-half, centre+half
	if k == 0 {
		low = 0 // rounding
	}
	if k == n {
		high = 1
	}
	return low, high
}
