package proxy

import (
	"sync"
	"time"
)

// deadlines sets the deadline of the connection that an exchange uses, as Envoy's timers would. The timers start when all of the request
// has been read, a try's own timeout ends with the head of the response, and a caller that leaves interrupts everything. Three goroutines
// use it: the one that serves the exchange, the one that sends the request's body, and the one that reports that the caller has left.
type deadlines struct {
	mu          sync.Mutex
	conn        *conn // in use
	ended       bool  // all of the request has been read
	endedAt     time.Time
	deadline    time.Time // of the request, once it has ended; zero: none
	interrupted bool      // the caller has gone
	heard       bool      // the try has the head of a response
}

// end starts the timers. A timeout of 0 means none.
func (d *deadlines) end(timeout, perTry time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended, d.endedAt = true, time.Now()
	if timeout > 0 {
		d.deadline = d.endedAt.Add(timeout)
	}
	d.set(perTry)
}

// set sets the deadline of the connection in use. The caller holds d.mu.
func (d *deadlines) set(perTry time.Duration) {
	if d.conn == nil || d.interrupted || !d.ended {
		return
	}
	at := d.deadline
	if perTry > 0 && !d.heard {
		if try := time.Now().Add(perTry); at.IsZero() || try.Before(at) {
			at = try
		}
	}
	d.conn.Expire(at)
}

// headReceived ends the try's own timeout: Envoy's perTryTimeout covers only the head of the response, the request's timeout all of it.
func (d *deadlines) headReceived(perTry time.Duration) {
	if perTry == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard = true
	d.set(perTry)
}

// interrupt interrupts the exchange because the caller has left.
func (d *deadlines) interrupt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.interrupted = true
	if d.conn != nil {
		d.conn.Interrupt()
	}
}

// hold sets the connection in use, so that it can be interrupted.
func (d *deadlines) hold(c *conn, perTry time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn, d.heard = c, false
	switch {
	case d.interrupted:
		c.Interrupt()
	case d.ended:
		d.set(perTry)
	default:
		c.Expire(time.Time{})
	}
}

// release ends the use of the connection: nothing touches it afterwards.
func (d *deadlines) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = nil
}

// at returns the request's deadline; zero: none, or not known yet.
func (d *deadlines) at() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.deadline
}

// sinceEnd returns how long ago the request ended. ok is false if it has not ended.
func (d *deadlines) sinceEnd() (since time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.endedAt), d.ended
}
