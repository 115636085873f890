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

// ward is a cluster of hosts under outlier detection.
func ward(t testing.TB, n int, o mesh.Outlier) (*cluster, []*host) {
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
		{"500 is no gateway error", gateway, func(h *host) { report(h, 502, 500, 502) }, false},
		{"split: local failures apart", split, func(h *host) { h.observe(503, true); report(h, 500, 500) }, false},
		{"split: enough local failures", split, func(h *host) { h.observe(503, true); h.observe(504, true) }, true},
		{"an outcome that counts for nothing", defaults(), func(h *host) { report(h, 500, 500, 0) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k, all := ward(t, 4, c.policy)
			c.happens(all[0])
			got := map[*host]int{}
			for range 120 {
				got[k.pick(&exchange{})]++
			}
			if (got[all[0]] == 0) != c.ejected {
				t.Errorf("chosen %d of 120 times; ejected should be %t", got[all[0]], c.ejected)
			}
		})
	}
}

func TestEjectionLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ hosts, percent, sick, ejected int }{
		{2, 10, 2, 0}, {10, 10, 3, 1}, {4, 50, 4, 2}, {3, 100, 3, 3}, {10, 99, 10, 9},
	} {
		o := defaults()
		o.MaxEjectionPercent = c.percent
		k, all := ward(t, c.hosts, o)
		for _, h := range all[:c.sick] {
			report(h, 500, 500, 500)
		}
		if got := int(k.ejected.Load()); got != c.ejected {
			t.Errorf("%d hosts, %d sick, at most %d %%: %d ejected, want %d", c.hosts, c.sick, c.percent, got, c.ejected)
		}
		if h := k.pick(&exchange{}); (h == nil) != (c.ejected == c.hosts) {
			t.Errorf("%d of %d ejected: picked %v", c.ejected, c.hosts, h)
		}
	}
}

func TestPanicThreshold(t *testing.T) {
	t.Parallel()
	o := defaults()
	o.MinHealthPercent = 50
	k, all := ward(t, 4, o)
	for i, want := range []int{3, 2, 4, 4} { // hosts in use after one more is sick: below half, all are
		report(all[i], 500, 500, 500)
		got := map[*host]bool{}
		for range 100 {
			got[k.pick(&exchange{})] = true
		}
		if len(got) != want {
			t.Errorf("%d of 4 sick: %d in use, want %d", i+1, len(got), want)
		}
	}
}

// TestReturn follows a host through ejections, which last the base time as often as it has been ejected, up to the next tick of the interval.
func TestReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, all := ward(t, 2, defaults())
		h := all[0]
		start := time.Now()
		for i, back := range []time.Duration{30 * time.Second, 60 * time.Second, 90 * time.Second} {
			report(h, 500, 500, 500)
			time.Sleep(back - time.Second)
			if h.eligible(time.Now()) {
				t.Fatalf("ejection %d: back before %v", i+1, back)
			}
			time.Sleep(time.Second)
			if !h.eligible(time.Now()) {
				t.Fatalf("ejection %d: not back after %v", i+1, back)
			}
		}
		if k.ejected.Load() != 0 {
			t.Errorf("%d ejected at the end", k.ejected.Load())
		}
		time.Sleep(20 * time.Second) // two intervals of health take two off the count
		time.Sleep(3 * time.Second)  // off the tick
		report(h, 500, 500, 500)
		time.Sleep(60 * time.Second)
		if h.eligible(time.Now()) {
			t.Errorf("back after exactly the time at %v, which is between ticks", time.Since(start))
		}
		time.Sleep(7 * time.Second)
		if !h.eligible(time.Now()) {
			t.Errorf("not back at the tick after, at %v", time.Since(start))
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
	b.proxy.Swap(toRoute(routeTo(other))) // another: nothing is remembered
	for range 200 {
		b.get("http://core/")
	}
	if hits.Load() != 12 {
		t.Errorf("the sick replica had %d requests, want 7 more than 5", hits.Load())
	}
}

// clone is an equal cluster at another address, as another table would have it.
func clone(c *mesh.Cluster) *mesh.Cluster {
	d := *c
	if c.Outlier != nil {
		o := *c.Outlier
		d.Outlier = &o
	}
	return &d
}
