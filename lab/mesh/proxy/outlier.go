package proxy

import (
	"fmt"
	"sync"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

const (
	// maxEjection is the maximum time that a host is ejected, Envoy's default, unless the base is longer.
	maxEjection = 300 * time.Second
	// mergeWindow is how long Envoy merges changes of hosts' health before its balancers apply them, after they have applied one.
	mergeWindow = time.Second
)

// outlierState holds what outlier detection records of a host, as Envoy's DetectorHostMonitorImpl does. It is guarded by detector.mu.
type outlierState struct {
	any, gateway, local int // consecutive failures: responses 5xx, responses 502–504, and failures of local origin
	times               int // ejections, minus one for each interval without an ejection
	total               int // ejections
	ejected             bool
	timer               *time.Timer // ends the ejection, even without a request
	until               time.Time   // of the ejection
	back                time.Time   // when the last ejection ended
	out                 bool        // ejected, as the balancer sees it
}

// detector is the outlier detection of a cluster.
type detector struct {
	mu      sync.Mutex
	ejected int       // hosts
	out     int       // hosts, as the balancer sees it
	shown   time.Time // when the balancer last saw a change
	due     time.Time // when it sees the next; zero: nothing has changed
}

// observe counts the outcome of a try: a response's status, or the status that a failure counts as; 0 is ignored.
func (h *host) observe(status int, local bool) {
	p := h.cluster.Outlier
	if p == nil || status == 0 {
		return
	}
	d := &h.cluster.detector
	d.mu.Lock()
	defer d.mu.Unlock()
	if why := h.outlier.count(status, p.SplitLocal && local, p); why != "" {
		h.eject(time.Now(), why)
	}
}

// count counts an outcome and returns the limit that it reaches; "" for none. A limit of 0 is not set.
func (o *outlierState) count(status int, local bool, p *mesh.Outlier) (why string) {
	reached := func(n *int, limit int, what string) {
		*n++
		if limit == 0 || *n < limit {
			return
		}
		*n = 0
		why = fmt.Sprintf("%d %s in a row", limit, what)
	}
	if local {
		reached(&o.local, p.ConsecutiveLocal, "failed connections")
		return why
	}
	o.local = 0
	if status < 500 {
		o.any, o.gateway = 0, 0
		return ""
	}
	if status >= 502 && status <= 504 {
		reached(&o.gateway, p.ConsecutiveGateway, "gateway errors")
	} else {
		o.gateway = 0
	}
	reached(&o.any, p.Consecutive5xx, "errors")
	return why
}

// eject ejects the host, for the base time multiplied by the number of its ejections, unless too many of the cluster's hosts are ejected
// already. The host returns at the first tick of the interval after that. The caller holds detector.mu.
func (h *host) eject(now time.Time, why string) {
	k := h.cluster
	k.review(now)
	o, d, p := &h.outlier, &k.detector, k.Outlier
	all := len(k.hosts.Load().list)
	if o.ejected || (d.ejected+1)*100 > min(p.MaxEjectionPercent, 100)*all {
		return
	}
	if !o.back.IsZero() && p.Interval > 0 {
		o.times = max(0, o.times-int(now.Sub(o.back)/p.Interval))
	}
	o.times++
	o.total++
	end := now.Add(min(time.Duration(o.times)*p.BaseEjection, max(maxEjection, p.BaseEjection)))
	o.ejected, o.until = true, nextTick(k.born, end, p.Interval)
	o.timer = time.AfterFunc(o.until.Sub(now), k.reviewNow)
	d.ejected++
	k.changed(now)
	h.report(now, why)
}

// report reports an ejection to the proxy, unless the host cannot be chosen again anyway. The caller holds detector.mu.
func (h *host) report(now time.Time, why string) {
	k, c := h.cluster, h.cluster.caller
	k.mu.Lock()
	unused := k.closed || h.removed
	k.mu.Unlock()
	if unused {
		return
	}
	e := Ejection{Caller: c.name, Workload: c.source.Workload, Namespace: c.source.Namespace, Cluster: k.Name, Address: h.address,
		Why: why, Since: now, Until: h.outlier.until, Times: h.outlier.total}
	if h.pod != nil {
		e.Pod = h.pod.Name
	}
	c.proxy.ejections.add(h, e)
}

// nextTick returns the first tick, not before at, of an interval that began at born.
func nextTick(born, at time.Time, interval time.Duration) time.Time {
	if interval <= 0 {
		return at
	}
	n := (at.Sub(born) + interval - 1) / interval
	return born.Add(n * interval) //nolint:durationcheck // n is a number, of the type that the division has
}

// reviewNow reviews the hosts when an ejection ends, so that its end is reported even without a request.
func (k *cluster) reviewNow() {
	k.detector.mu.Lock()
	defer k.detector.mu.Unlock()
	k.review(time.Now())
}

// review applies what is due: hosts whose ejection is over return, and the balancer applies changes. Each request that chooses or ejects a
// host calls it, and so finds the current state. The caller holds detector.mu.
func (k *cluster) review(now time.Time) {
	d := &k.detector
	if d.ejected > 0 {
		for _, h := range k.hosts.Load().list {
			if o := &h.outlier; o.ejected && !now.Before(o.until) {
				o.ejected, o.back = false, o.until
				o.any, o.gateway, o.local = 0, 0, 0
				d.ejected--
				o.timer.Stop()
				k.changed(o.until)
				k.caller.proxy.ejections.remove(h, false)
			}
		}
	}
	if !d.due.IsZero() && !now.Before(d.due) {
		k.show(d.due)
	}
}

// changed records a change. The balancer applies it immediately or, if it has just applied another, together with all changes of the merge
// window.
func (k *cluster) changed(at time.Time) {
	switch d := &k.detector; {
	case at.Sub(d.shown) > mergeWindow:
		k.show(at)
	case d.due.IsZero():
		d.due = at.Add(mergeWindow)
	}
}

// show makes the current ejections visible to the balancer.
func (k *cluster) show(at time.Time) {
	d := &k.detector
	d.shown, d.due, d.out = at, time.Time{}, 0
	for _, h := range k.hosts.Load().list {
		h.outlier.out = h.outlier.ejected
		if h.outlier.out {
			d.out++
		}
	}
}

// inUse returns the hosts that the balancer may choose, in order: all that are not ejected, or all hosts if so few are left that Envoy's
// panic mode applies.
func (k *cluster) inUse(all []*host) []*host {
	if k.Outlier == nil {
		return all
	}
	d := &k.detector
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ejected == 0 && d.out == 0 {
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

// forget deletes the outlier state of a host that is removed.
func (h *host) forget() {
	d := &h.cluster.detector
	d.mu.Lock()
	defer d.mu.Unlock()
	if h.outlier.ejected {
		d.ejected--
		h.outlier.timer.Stop()
		h.cluster.caller.proxy.ejections.remove(h, true)
	}
	if h.outlier.out {
		d.out--
	}
	h.outlier = outlierState{}
}
