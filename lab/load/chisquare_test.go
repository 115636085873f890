package load

import (
	"math"
	"testing"
)

// The quantiles are from the usual tables of the χ² distribution.
func TestChiSquareTail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		x       float64
		degrees int
		want    float64
	}{
		{3.841459, 1, 0.05}, {6.634897, 1, 0.01}, {10.827566, 1, 0.001}, {23.928127, 1, 1e-6},
		{5.991465, 2, 0.05}, {13.815511, 2, 0.001}, {27.631021, 2, 1e-6},
		{18.307038, 10, 0.05}, {3.940299, 10, 0.95}, {124.342113, 100, 0.05}, {77.929465, 100, 0.95},
		{0, 3, 1}, {1e6, 3, 0},
	} {
		if got := chiSquareTail(c.x, c.degrees); math.Abs(got-c.want) > 1e-6*math.Max(c.want, 1e-3)+1e-9 {
			t.Errorf("chiSquareTail(%v, %d) = %v, want %v", c.x, c.degrees, got, c.want)
		}
	}
}
