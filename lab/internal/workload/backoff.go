package workload

import "time"

// The kubelet's values: pkg/kubelet/kubelet.go, backOffPeriod and MaxContainerBackOff, with k8s.io/client-go/util/flowcontrol.
const (
	firstBackoff = 10 * time.Second
	maxBackoff   = 5 * time.Minute
	backoffReset = 2 * maxBackoff
)

// backoff computes how long a process that has ended waits before it is restarted, as the kubelet does in CrashLoopBackOff: not at all the
// first time, then 10 s, doubling up to 5 min. It starts over once the process has run for 10 min.
type backoff struct {
	wait time.Duration // delay before the restart after next
	last time.Time     // when the delay was last computed
}

// next returns the delay before the restart of a process that ended at now.
func (b *backoff) next(now time.Time) time.Duration {
	if b.last.IsZero() || now.Sub(b.last) > backoffReset {
		b.wait, b.last = firstBackoff, now
		return 0
	}
	wait := b.wait
	b.wait = min(2*b.wait, maxBackoff)
	b.last = now.Add(wait)
	return wait
}
