package load

import (
	"math"
	"sync/atomic"
	"time"
)

// plan computes when each request is due: at a constant rate, optionally after an even ramp from 0. It paces vegeta's attacker.
type plan struct {
	rate      float64       // per second, after the ramp
	ramp      time.Duration // length of the ramp
	duration  time.Duration
	requests  int           // total number
	sendGrace time.Duration // how long after duration late requests may still be sent

	began atomic.Int64 // when the run began, Unix nanoseconds; 0 before
}

// newPlan returns a plan; limit bounds the number of requests, 0 means no bound.
func newPlan(rate float64, ramp, duration time.Duration, limit int, sendGrace time.Duration) *plan {
	p := &plan{rate: rate, ramp: ramp, duration: duration, sendGrace: sendGrace}
	// The last request is the last one due before the end.
	p.requests = math.MaxInt
	p.requests = max(1, p.dueBy(duration))
	if limit > 0 {
		p.requests = min(p.requests, limit)
	}
	return p
}

// sent returns how many requests are due by a time, as a fraction.
func (p *plan) sent(t time.Duration) float64 {
	s, ramp := t.Seconds(), p.ramp.Seconds()
	if t < p.ramp {
		return p.rate * s * s / (2 * ramp)
	}
	return p.rate * (s - ramp/2)
}

// dueBy returns how many requests are due before a time.
func (p *plan) dueBy(t time.Duration) int {
	return min(p.requests, int(math.Ceil(p.sent(t)-1e-9)))
}

// due returns when a request is due, from the start; the first is due at 0.
func (p *plan) due(n uint64) time.Duration {
	i, ramp := float64(n), p.ramp.Seconds()
	climbing := p.rate * ramp / 2 // requests of the ramp
	if i < climbing {
		return seconds(math.Sqrt(2 * i * ramp / p.rate))
	}
	return seconds(ramp + (i-climbing)/p.rate)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// Pace implements vegeta's Pacer. It returns how long to wait before the next request, or that there is none.
func (p *plan) Pace(elapsed time.Duration, sent uint64) (wait time.Duration, stop bool) {
	p.began.CompareAndSwap(0, time.Now().Add(-elapsed).UnixNano())
	if sent >= uint64(p.requests) || elapsed > p.duration+p.sendGrace {
		return 0, true
	}
	return max(0, p.due(sent)-elapsed), false
}

// Rate implements vegeta's Pacer. It returns the rate at a time.
func (p *plan) Rate(elapsed time.Duration) float64 {
	if elapsed < p.ramp {
		return p.rate * elapsed.Seconds() / p.ramp.Seconds()
	}
	return p.rate
}

// start returns when the run began; before that, now.
func (p *plan) start() time.Time {
	if ns := p.began.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Now()
}
