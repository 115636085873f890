package proxy

import (
	"sync"
	"time"
)

const (
	// maxEjection is how long a host is ejected at most, Envoy's default, unless the base is longer.
	maxEjection = 300 * time.Second
	// mergeWindow is how long Envoy gathers changes of hosts' health before its balancers see them, once they have seen one.
	mergeWindow = time.Second
)

// outlierState is what outlier detection knows of a host, as Envoy's DetectorHostMonitorImpl does. It is under ward.mu.
type outlierState struct {
	any, gateway, local int // consecutive failures: answers 5xx, answers 502–504, and those that arose on this side
	times               int // ejections, less one for each interval without
	ejected             bool
	until               time.Time // of the ejection
	back                time.Time // when the last ejection ended
	out                 bool      // ejected, as the balancer sees it
}

// ward is the outlier detection of a cluster.
type ward struct {
	mu      sync.Mutex
	ejected int       // hosts
	out     int       // hosts, as the balancer sees it
	shown   time.Time // when the balancer last saw a change
	due     time.Time // when it sees the next; zero: nothing has changed
}

// observe counts the outcome of a try: an answer's status, or what its absence counts as; 0 counts as nothing.
func (h *host) observe(status int, local bool) {
	p := h.cluster.Outlier
	if p == nil || status == 0 {
		return
	}
	w := &h.cluster.ward
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.outlier.sick(status, p.SplitLocal && local, p.ConsecutiveLocal, p.ConsecutiveGateway, p.Consecutive5xx) {
		h.eject(time.Now())
	}
}

// sick counts an outcome; true: one of the limits, if it is set, is reached.
func (o *outlierState) sick(status int, local bool, locals, gateways, anys int) bool {
	reached := func(n *int, limit int) bool {
		*n++
		if limit == 0 || *n < limit {
			return false
		}
		*n = 0
		return true
	}
	if local {
		return reached(&o.local, locals)
	}
	o.local = 0
	if status < 500 {
		o.any, o.gateway = 0, 0
		return false
	}
	sick := false
	if status >= 502 && status <= 504 {
		sick = reached(&o.gateway, gateways)
	} else {
		o.gateway = 0
	}
	return reached(&o.any, anys) || sick
}

// eject puts the host aside, for the base time as often as it has been ejected, unless too many of the cluster's hosts are aside already. It
// comes back at the first tick of the interval after that. The caller holds ward.mu.
func (h *host) eject(now time.Time) {
	k := h.cluster
	k.review(now)
	o, w, p := &h.outlier, &k.ward, k.Outlier
	all := len(k.hosts.Load().list)
	if o.ejected || (w.ejected+1)*100 > min(p.MaxEjectionPercent, 100)*all {
		return
	}
	if !o.back.IsZero() && p.Interval > 0 {
		o.times = max(0, o.times-int(now.Sub(o.back)/p.Interval))
	}
	o.times++
	end := now.Add(min(time.Duration(o.times)*p.BaseEjection, max(maxEjection, p.BaseEjection)))
	o.ejected, o.until = true, nextTick(k.born, end, p.Interval)
	w.ejected++
	k.changed(now)
}

// nextTick is the first tick of an interval that began at a time, not before another.
func nextTick(born, at time.Time, interval time.Duration) time.Time {
	if interval <= 0 {
		return at
	}
	n := (at.Sub(born) + interval - 1) / interval
	return born.Add(n * interval)
}

// review does what has come due: hosts whose ejection is over return, and the balancer sees what has changed. Nothing runs beside the
// requests: each that chooses a host, or ejects one, finds the state as it is at its own time. The caller holds ward.mu.
func (k *cluster) review(now time.Time) {
	w := &k.ward
	if w.ejected > 0 {
		for _, h := range k.hosts.Load().list {
			if o := &h.outlier; o.ejected && !now.Before(o.until) {
				o.ejected, o.back = false, o.until
				o.any, o.gateway, o.local = 0, 0, 0
				w.ejected--
				k.changed(o.until)
			}
		}
	}
	if !w.due.IsZero() && !now.Before(w.due) {
		k.show(w.due)
	}
}

// changed notes a change, which the balancer sees at once or, if it has just seen another, together with what else changes within the merge window.
func (k *cluster) changed(at time.Time) {
	switch w := &k.ward; {
	case at.Sub(w.shown) > mergeWindow:
		k.show(at)
	case w.due.IsZero():
		w.due = at.Add(mergeWindow)
	}
}

// show lets the balancer see who is ejected.
func (k *cluster) show(at time.Time) {
	w := &k.ward
	w.shown, w.due, w.out = at, time.Time{}, 0
	for _, h := range k.hosts.Load().list {
		h.outlier.out = h.outlier.ejected
		if h.outlier.out {
			w.out++
		}
	}
}

// inUse are the hosts that the balancer may choose, in order: all but those that are ejected, unless so few are left that Envoy's
// panic mode takes all back in.
func (k *cluster) inUse(all []*host) []*host {
	if k.Outlier == nil {
		return all
	}
	w := &k.ward
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ejected == 0 && w.out == 0 {
		return all
	}
	k.review(time.Now())
	var healthy []*host
	for _, h := range all {
		if !h.outlier.out {
			healthy = append(healthy, h)
		}
	}
	if len(healthy)*100 < k.Outlier.MinHealthPercent*len(all) {
		return all
	}
	return healthy
}

// forget ends what is known of a host that goes.
func (h *host) forget() {
	w := &h.cluster.ward
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.outlier.ejected {
		w.ejected--
	}
	if h.outlier.out {
		w.out--
	}
	h.outlier = outlierState{}
}
