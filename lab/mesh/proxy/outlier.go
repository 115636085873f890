package proxy

import (
	"sync"
	"time"
)

// maxEjection is how long a host is ejected at most, Envoy's default, unless the base is longer.
const maxEjection = 300 * time.Second

// outlierState is what outlier detection knows of a host, as Envoy's DetectorHostMonitorImpl does.
type outlierState struct {
	mu                  sync.Mutex
	any, gateway, local int // consecutive failures: answers 5xx, answers 502–504, and those that arose on this side
	times               int // ejections, less one for each interval without
	ejected             bool
	until               time.Time // of the ejection
	back                time.Time // when the last ejection ended
}

// observe counts the outcome of a try: an answer's status, or what its absence counts as; 0 counts as nothing.
func (h *host) observe(status int, local bool) {
	p := h.cluster.Outlier
	if p == nil || status == 0 {
		return
	}
	o := &h.outlier
	o.mu.Lock()
	defer o.mu.Unlock()
	if p.SplitLocal && local {
		if o.local++; p.ConsecutiveLocal > 0 && o.local >= p.ConsecutiveLocal {
			o.local = 0
			h.eject(time.Now())
		}
		return
	}
	if !local {
		o.local = 0
	}
	if status < 500 {
		o.any, o.gateway = 0, 0
		return
	}
	sick := false
	if status >= 502 && status <= 504 {
		if o.gateway++; p.ConsecutiveGateway > 0 && o.gateway >= p.ConsecutiveGateway {
			o.gateway, sick = 0, true
		}
	} else {
		o.gateway = 0
	}
	if o.any++; p.Consecutive5xx > 0 && o.any >= p.Consecutive5xx {
		o.any, sick = 0, true
	}
	if sick {
		h.eject(time.Now())
	}
}

// eject puts the host aside, for the base time as often as it has been ejected, unless too many of the cluster's hosts are aside already. It
// comes back at the first tick of the interval after that. The caller holds the outlier's lock.
func (h *host) eject(now time.Time) {
	o, k, p := &h.outlier, h.cluster, h.cluster.Outlier
	h.settle(now)
	if o.ejected {
		return
	}
	all := len(k.hosts.Load().list)
	if float64(k.ejected.Load()+1)*100 > float64(min(p.MaxEjectionPercent, 100)*all) {
		return
	}
	if !o.back.IsZero() && p.Interval > 0 {
		o.times = max(0, o.times-int(now.Sub(o.back)/p.Interval))
	}
	o.times++
	o.ejected = true
	end := now.Add(min(time.Duration(o.times)*p.BaseEjection, max(maxEjection, p.BaseEjection)))
	o.until = nextTick(k.born, end, p.Interval)
	k.ejected.Add(1)
}

// nextTick is the first tick of an interval that began at a time, not before another.
func nextTick(born, at time.Time, interval time.Duration) time.Time {
	if interval <= 0 {
		return at
	}
	n := (at.Sub(born) + interval - 1) / interval
	return born.Add(n * interval)
}

// settle ends an ejection whose time is over. The caller holds the outlier's lock.
func (h *host) settle(now time.Time) {
	if o := &h.outlier; o.ejected && !now.Before(o.until) {
		o.ejected, o.back = false, o.until
		o.any, o.gateway, o.local = 0, 0, 0
		h.cluster.ejected.Add(-1)
	}
}

// eligible is whether the host is not ejected.
func (h *host) eligible(now time.Time) bool {
	o := &h.outlier
	o.mu.Lock()
	defer o.mu.Unlock()
	h.settle(now)
	return !o.ejected
}

// forget ends what is known of a host that goes; true: it was ejected.
func (o *outlierState) forget() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.ejected
	o.ejected = false
	return was
}
