package load

import "math"

// chiSquareTail returns the probability that a χ² variable with the given degrees of freedom exceeds x: the regularised upper incomplete
// gamma function Q(degrees/2, x/2), by its series below a+1 and by Lentz's continued fraction above (Abramowitz and Stegun 6.5).
func chiSquareTail(x float64, degrees int) float64 {
	a, z := float64(degrees)/2, x/2
	switch {
	case degrees < 1 || z <= 0:
		return 1
	case math.IsInf(z, 1):
		return 0
	}
	logGamma, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(z) - z - logGamma)
	if z < a+1 {
		term := 1 / a
		sum := term
		for n := 1; n < 10_000 && term > sum*1e-15; n++ {
			term *= z / (a + float64(n))
			sum += term
		}
		return 1 - front*sum
	}
	const tiny = 1e-300
	b := z + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for n := 1; n < 10_000; n++ {
		an := -float64(n) * (float64(n) - a)
		b += 2
		d = 1 / nonZero(an*d+b, tiny)
		c = nonZero(b+an/c, tiny)
		h *= d * c
		if math.Abs(d*c-1) < 1e-15 {
			break
		}
	}
	return front * h
}

func nonZero(x, tiny float64) float64 {
	if math.Abs(x) < tiny {
		return tiny
	}
	return x
}
