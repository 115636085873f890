package proxy

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// underDetection returns a cluster of hosts with outlier detection.
func underDetection(t testing.TB, n int, o mesh.Outlier) (*cluster, []*host) {
	k, all := hosts(t, mesh.RoundRobin, n)
	k.Outlier = &o
	return k, all
}

func defaults() mesh.Outlier {
	return mesh.Outlier{Consecutive5xx: 3, Interval: 10 * time.Second, BaseEjection: 30 * time.Second, MaxEjectionPercent: 100}
}

func report(h *host, statuses ...int) {
	for _, s := range statuses {
		h.observe(s, false)
	}
}

func TestEjection(t *testing.T) {
	t.Parallel()
	split, gateway := defaults(), defaults()
	split.SplitLocal, split.ConsecutiveLocal = true, 2
	gateway.Consecutive5xx, gateway.ConsecutiveGateway = 0, 2
	for _, c := range []struct {
		name    string
		policy  mesh.Outlier
		happens func(*host)
		ejected bool
	}{
		{"three in a row", defaults(), func(h *host) { report(h, 500, 501, 503) }, true},
		{"two in a row", defaults(), func(h *host) { report(h, 500, 500) }, false},
		{"a success between", defaults(), func(h *host) { report(h, 500, 500, 200, 500, 500) }, false},
		{"4xx is well", defaults(), func(h *host) { report(h, 500, 500, 404, 500) }, false},
		{"a failed connection counts as 503", defaults(), func(h *host) { report(h, 500, 500); h.observe(503, true) }, true},
		{"gateway errors", gateway, func(h *host) { report(h, 502, 504) }, true},
		{"500 is not a gateway error", gateway, func(h *host) { report(h, 502, 500, 502) }, false},
		{"split: local failures apart", split, func(h *host) { h.observe(503, true); report(h, 500, 500) }, false},
		{"split: enough local failures", split, func(h *host) { h.observe(503, true); h.observe(504, true) }, true},
		{"an outcome that counts for nothing", defaults(), func(h *host) { report(h, 500, 500, 0) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k, all := underDetection(t, 4, c.policy)
			c.happens(all[0])
			got := map[*host]int{}
			for range 120 {
				got[k.pick(&choice{})]++
			}
			if (got[all[0]] == 0) != c.ejected {
				t.Errorf("chosen %d of 120 times; want it ejected: %t", got[all[0]], c.ejected)
			}
		})
	}
}

func TestEjectionLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ hosts, percent, sick, ejected int }{
			{2, 10, 2, 0}, {10, 10, 3, 1}, {4, 50, 4, 2}, {3, 100, 3, 3}, {10, 99, 10, 9},
		} {
			o := defaults()
			o.MaxEjectionPercent = c.percent
			k, all := underDetection(t, c.hosts, o)
			for _, h := range all[:c.sick] {
				report(h, 500, 500, 500)
			}
			time.Sleep(mergeWindow)
			if got := c.hosts - inUse(k); got != c.ejected {
				t.Errorf("%d hosts, %d sick, at most %d %%: %d ejected, want %d", c.hosts, c.sick, c.percent, got, c.ejected)
			}
			if h := k.pick(&choice{}); (h == nil) != (c.ejected == c.hosts) {
				t.Errorf("%d of %d ejected: picked %v", c.ejected, c.hosts, h)
			}
		}
	})
}

// inUse counts the hosts that the balancer chooses.
func inUse(k *cluster) int {
	got := map[*host]bool{}
	for range 100 {
		if h := k.pick(&choice{}); h != nil {
			got[h] = true
		}
	}
	return len(got)
}

func TestPanicThreshold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := defaults()
		o.MinHealthPercent = 50
		k, all := underDetection(t, 4, o)
		for i, want := range []int{3, 2, 4, 4} { // hosts in use after one more is sick: below half, all are
			report(all[i], 500, 500, 500)
			time.Sleep(mergeWindow)
			if got := inUse(k); got != want {
				t.Errorf("%d of 4 sick: %d in use, want %d", i+1, got, want)
			}
		}
	})
}

// TestReturn checks the ejections of a host one after another: each lasts the base time multiplied by their number, up to the next tick of
// the interval.
func TestReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, all := underDetection(t, 2, defaults())
		h, start := all[0], time.Now()
		want := func(n int) {
			t.Helper()
			if got := inUse(k); got != n {
				t.Errorf("at %v: %d in use, want %d", time.Since(start), got, n)
			}
		}
		for _, c := range []struct{ at, back time.Duration }{
			{0, 30 * time.Second},
			{32 * time.Second, 100 * time.Second},  // the second time, 60 s, to the next tick
			{102 * time.Second, 200 * time.Second}, // the third, 90 s
			{225 * time.Second, 290 * time.Second}, // two intervals of health take two off the count: 60 s
		} {
			time.Sleep(c.at - time.Since(start))
			report(h, 500, 500, 500)
			want(1)
			time.Sleep(c.back - time.Second - time.Since(start))
			want(1)
			time.Sleep(time.Second)
			want(2)
		}
	})
}

// TestReturnAtTheTick is an ejection that ends between ticks of the interval.
func TestReturnAtTheTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, all := underDetection(t, 2, defaults())
		time.Sleep(3 * time.Second)
		report(all[0], 500, 500, 500)
		time.Sleep(30 * time.Second)
		if n := inUse(k); n != 1 {
			t.Errorf("after the time, between ticks: %d in use, want 1", n)
		}
		time.Sleep(7 * time.Second)
		if n := inUse(k); n != 2 {
			t.Errorf("at the tick: %d in use, want 2", n)
		}
	})
}

// TestChangesAreMerged checks the behaviour observed on Envoy: of two hosts that are ejected at the same time, the balancer applies the
// second a second later.
func TestChangesAreMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, all := underDetection(t, 3, defaults())
		report(all[0], 500, 500, 500)
		report(all[1], 500, 500, 500)
		if n := inUse(k); n != 2 {
			t.Errorf("immediately: %d in use, want 2", n)
		}
		time.Sleep(mergeWindow - time.Millisecond)
		if n := inUse(k); n != 2 {
			t.Errorf("within the window: %d in use, want 2", n)
		}
		time.Sleep(time.Millisecond)
		if n := inUse(k); n != 1 {
			t.Errorf("after the window: %d in use, want 1", n)
		}
		k.setHosts(nil, "")
		if w := &k.detector; w.ejected != 0 || w.out != 0 {
			t.Errorf("without hosts: %d ejected, %d out", w.ejected, w.out)
		}
	})
}

func TestSickReplicaIsEjected(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	sick := handle(t, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1); w.WriteHeader(500) })
	c := service("core")
	c.Outlier = &mesh.Outlier{Consecutive5xx: 5, Interval: time.Hour, BaseEjection: time.Hour, MaxEjectionPercent: 50}
	pods := []mesh.Pod{podOf("core", "core-sick", sick)}
	for i := range 3 {
		pods = append(pods, podOf("core", fmt.Sprint("core-", i), newEcho(t, "core").address()))
	}
	b := newBench(t, Options{}, toRoute(routeTo(c)), pods...)
	for range 200 {
		b.get("http://core/")
	}
	if hits.Load() != 5 {
		t.Errorf("the sick replica had %d requests, want 5", hits.Load())
	}
	b.proxy.Swap(toRoute(routeTo(clone(c)))) // the same policy: it stays ejected
	for range 50 {
		b.get("http://core/").want(t, 200, "core / ")
	}
	other := clone(c)
	other.Outlier = &mesh.Outlier{Consecutive5xx: 7, Interval: time.Hour, BaseEjection: time.Hour, MaxEjectionPercent: 50}
	b.proxy.Swap(toRoute(routeTo(other))) // another policy: the ejection is forgotten
	for range 200 {
		b.get("http://core/")
	}
	if hits.Load() != 12 {
		t.Errorf("the sick replica had %d requests, want 7 more than 5", hits.Load())
	}
}

// clone returns an equal cluster at another address, as another table has it.
func clone(c *mesh.Cluster) *mesh.Cluster {
	d := *c
	if c.Outlier != nil {
		o := *c.Outlier
		d.Outlier = &o
	}
	return &d
}
