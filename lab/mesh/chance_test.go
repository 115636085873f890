package mesh

import (
	"fmt"
	"math"
	"testing"
)

// fits reports whether a count out of n is consistent with a share. It uses a normal bound at a level of 10⁻⁶ on either side.
func fits(count, n int, share float64) bool {
	if share == 0 || share == 1 {
		return float64(count) == share*float64(n)
	}
	return math.Abs(float64(count)-share*float64(n)) <= 4.9*math.Sqrt(float64(n)*share*(1-share))+1
}

func TestWeights(t *testing.T) {
	t.Parallel()
	const n = 20_000
	for _, weights := range [][3]int{{80, 20, 0}, {1, 1, 1}, {0, 0, 7}, {98, 1, 1}, {1, 2, 1000}} {
		r := routeFor(t, fmt.Sprintf("{route: [{destination: {host: a}, weight: %d}, {destination: {host: b}, weight: %d}, {destination: {host: none}, weight: %d}]}", weights[0], weights[1], weights[2]))
		counts := map[string]int{}
		for i := range n {
			counts[r.draw(uint64(i)).To.Cluster.Host]++
		}
		for i, host := range []string{"a.one.svc.cluster.local", "b.one.svc.cluster.local", "none.one.svc.cluster.local"} {
			share := float64(weights[i]) / float64(weights[0]+weights[1]+weights[2])
			if !fits(counts[host], n, share) {
				t.Errorf("weights %v: %s got %d of %d", weights, host, counts[host], n)
			}
		}
	}
}

func TestPercentages(t *testing.T) {
	t.Parallel()
	const n = 50_000
	for _, percent := range []float64{0, 0.1, 5, 50, 99.9, 100} {
		r := routeFor(t, fmt.Sprintf("{fault: {delay: {fixedDelay: 1s, percentage: {value: %[1]g}}, abort: {httpStatus: 503, percentage: {value: %[1]g}}},"+
			" mirrors: [{destination: {host: b}, percentage: {value: %[1]g}}, {destination: {host: none}}], route: [{destination: {host: a}}]}", percent))
		var delays, aborts, both, mirrors int
		for i := range n {
			d := r.draw(uint64(i))
			if d.Delay > 0 {
				delays++
			}
			if d.Abort > 0 {
				aborts++
			}
			if d.Delay > 0 && d.Abort > 0 {
				both++
			}
			if percent > 0 && d.Mirror&1 != 0 {
				mirrors++
			}
			if last := uint64(1) << (len(r.Mirrors) - 1); d.Mirror&last == 0 {
				t.Fatal("a mirror without a percentage was left out")
			}
		}
		p := percent / 100
		for what, c := range map[string]struct {
			count int
			share float64
		}{"delays": {delays, p}, "aborts": {aborts, p}, "both": {both, p * p}, "mirrors": {mirrors, p}} {
			if !fits(c.count, n, c.share) {
				t.Errorf("%g %%: %d %s of %d, want a share of %g", percent, c.count, what, n, c.share)
			}
		}
	}
}

// A missing percentage injects nothing. The deprecated one still applies, as in Istio.
func TestFaultWithoutPercentage(t *testing.T) {
	t.Parallel()
	r := routeFor(t, "{fault: {delay: {fixedDelay: 1s}, abort: {httpStatus: 503}}, route: [{destination: {host: a}}]}")
	if d := r.draw(1); d.Delay != 0 || d.Abort != 0 {
		t.Errorf("got %+v, want no fault", d)
	}
	r = routeFor(t, "{fault: {delay: {fixedDelay: 1s, percent: 100}}, mirror: {host: b}, mirrorPercent: 0, route: [{destination: {host: a}}]}")
	if d := r.draw(1); d.Delay == 0 || len(r.Mirrors) != 0 {
		t.Errorf("got %+v with %d mirrors, want a delay and none", d, len(r.Mirrors))
	}
}
