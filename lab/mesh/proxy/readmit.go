package proxy

import "time"

// Readmit ends every ejection of a pod: each caller sends requests to it again, as if the time of the ejection was over.
func (p *Proxy) Readmit(pod string) {
	for _, h := range p.ejections.of(pod) {
		h.readmit(time.Now())
	}
}

// of returns the ejected hosts of a pod, one for each caller that has ejected it.
func (e *ejections) of(pod string) (hosts []*host) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for h, what := range e.now {
		if what.Pod == pod {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// readmit ends the ejection of a host.
func (h *host) readmit(now time.Time) {
	d := &h.cluster.detector
	d.mu.Lock()
	defer d.mu.Unlock()
	if h.outlier.ejected {
		h.outlier.until = now
		h.cluster.review(now)
	}
}
