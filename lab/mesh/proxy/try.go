package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/lab/internal/wire"
)

// maxInformation bounds the number of 1xx responses before the final one.
const maxInformation = 16

// tries sends the request to a host, and then to one after another until one responds or the route's policy allows no more. It leaves the
// last response in x.resp, with its body still unread on the connection.
func (x *exchange) tries(h *host) failure {
	for {
		if h == nil {
			return noHealthy
		}
		x.host = h
		x.choice.tried = append(x.choice.tried, h)
		x.attempts++
		x.tryStart = time.Now()
		h.active.Add(1)
		last := x.try(h)
		x.judge(h, last)
		if !x.retry(last) {
			return last
		}
		x.abandon(last)
		if f := x.backoff(); f != none {
			return f
		}
		h = x.cluster.pick(&x.choice)
	}
}

// judge reports a try to outlier detection.
func (x *exchange) judge(h *host, f failure) {
	if f != none {
		h.active.Add(-1)
		h.observe(failures[f].health, failures[f].local)
		return
	}
	h.observe(x.resp.Status, false)
}

// abandon ends a try whose response is discarded.
func (x *exchange) abandon(f failure) {
	if f == none {
		if x.conn != nil {
			x.conn.Skip(&x.resp)
		}
		x.finish()
	}
}

// finish ends the try and releases its connection.
func (x *exchange) finish() {
	if p := x.host.pod; p != nil && !p.NoSidecar && !x.state.noMesh {
		x.host.link.observe(byDestination, x.resp.Status, 0, time.Since(x.tryStart), 0, x.sent)
	}
	c := x.conn
	if c == nil { // the destination's sidecar has responded itself
		x.host.active.Add(-1)
		return
	}
	x.releaseConn()
	x.host.active.Add(-1)
	x.host.release(c)
}

// try sends the request to a host and reads the response's head. After a failure it holds no connection.
func (x *exchange) try(h *host) failure {
	if !x.enter(h) {
		return none
	}
	c, f := h.acquire(x.ctx, x.deadlines.at())
	if f != none {
		return f
	}
	x.conn = c
	x.deadlines.hold(c, x.retries.PerTry)
	if f = x.converse(c); f != none {
		x.releaseConn()
		h.release(c)
	}
	return f
}

// releaseConn ends the use of the try's connection.
func (x *exchange) releaseConn() {
	x.deadlines.release()
	x.conn = nil
	if x.sender != nil {
		x.sender.cancel()
	}
}

// converse writes the request and reads the response's head.
func (x *exchange) converse(c *conn) failure {
	x.sender = nil
	head, err := c.WriteHead(x.appendTry(x.head), x.frame())
	x.head = head[:len(x.head)]
	if err != nil && x.gone() {
		return clientGone
	}
	// After a failed write there may still be a response to read: an upstream may reject a request and close.
	if x.body != nil && err == nil {
		x.sender = x.send(c)
	}
	for range maxInformation {
		if err = c.ReadHead(&x.resp, x.r.Method); err != nil {
			break
		}
		if x.resp.Final() {
			x.deadlines.headReceived(x.retries.PerTry)
			return none
		}
		x.inform(x.sender)
	}
	switch {
	case x.gone():
		return clientGone
	case x.body != nil && x.body.broken():
		return x.body.failure()
	case err == nil || errors.Is(err, wire.ErrMalformed):
		return garbage
	case errors.Is(err, os.ErrDeadlineExceeded):
		if deadline := x.deadlines.at(); !deadline.IsZero() && !time.Now().Before(deadline) {
			return routeTimeout
		}
		return perTryTimeout
	}
	return terminated
}

// gone reports whether the caller has left.
func (x *exchange) gone() bool { return x.ctx.Err() != nil }

// inform handles a 1xx response: on 100 it lets the body be sent, any other it sends to the caller.
func (x *exchange) inform(s *sender) {
	if x.resp.Status == http.StatusContinue {
		if s != nil {
			s.proceed()
		}
		return // the server sends its own when the body is read
	}
	h := x.w.Header()
	x.copyHead(h)
	x.w.WriteHeader(x.resp.Status)
	clear(h)
}

// enter applies the destination's sidecar. It returns false if the sidecar responds itself, with the status in x.resp.
func (x *exchange) enter(h *host) bool {
	had := x.at.Path
	x.at.Path = x.path
	from := &x.in.source
	if x.cluster.Passthrough {
		from = nil
	}
	status := h.inbound(x.state.rules, from, &x.at)
	if x.at.Path != had {
		x.head = x.appendHead(x.head[:0])
	}
	x.denied = status == http.StatusForbidden
	if x.stopped = status != 0; !x.stopped {
		return true
	}
	length := strconv.Itoa(len(inboundText[status]))
	x.resp.Status, x.resp.Fields = status, append(x.resp.Fields[:0],
		wire.Field{Name: "Content-Length", Value: length}, wire.Field{Name: "Content-Type", Value: "text/plain"})
	return false
}

// cause distinguishes a body that has stopped arriving from a caller that has left: both end the wait in the same way.
func (x *exchange) cause(f failure) failure {
	if f == clientGone && x.body != nil && x.body.idle.over() {
		return stalled
	}
	return f
}

// fail responds to a request when no try has a response.
func (x *exchange) fail(f failure) {
	f = x.cause(f)
	x.flags |= failures[f].flags
	if f == clientGone {
		x.broken = true
		return
	}
	if f == overflow {
		x.w.Header()["X-Envoy-Overloaded"] = []string{"true"}
	}
	x.respond(failures[f].status, f.text(x.attempts > 1))
}

// sender writes a request's body to one try's connection while the proxy waits for the response.
type sender struct {
	x    *exchange
	c    *conn
	wait chan struct{} // closed when the body may be sent: immediately, unless the caller expects 100
	once sync.Once
	over atomic.Bool // the try has ended: the body is no longer needed
}

// continueTimeout bounds how long a request that expects 100 waits for it, in case the upstream does not support Expect.
const continueTimeout = time.Second

func (x *exchange) send(c *conn) *sender {
	s := &sender{x: x, c: c, wait: make(chan struct{})}
	if x.r.Header.Get("Expect") == "" {
		s.proceed()
	}
	x.senders.Add(1)
	go s.run()
	return s
}

func (s *sender) proceed() { s.once.Do(func() { close(s.wait) }) }

// cancel ends a sender that still waits to send.
func (s *sender) cancel() {
	s.over.Store(true)
	s.proceed()
}

func (s *sender) run() {
	defer s.x.senders.Done()
	select {
	case <-s.wait:
	default:
		t := time.NewTimer(continueTimeout)
		defer t.Stop()
		select {
		case <-s.wait:
		case <-t.C:
		case <-s.x.ctx.Done():
			return
		}
	}
	if !s.over.Load() {
		s.copy()
	}
}

// copy writes the body. If the body ends early it interrupts the connection, as the start of the next request would be ambiguous.
func (s *sender) copy() {
	w := windows.Get().(*wire.Window)
	defer windows.Put(w)
	for at := int64(0); ; {
		n, err := s.x.body.next(at, w.Bytes())
		at += int64(n)
		if s.c.WriteBody(w, n) != nil {
			return
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF):
			_ = s.c.EndBody() // the Conn records the failure
		}
		if !s.c.Written() {
			s.c.Interrupt()
		}
		return
	}
}

// windows holds buffers for bodies.
var windows = sync.Pool{New: func() any { return new(wire.Window) }}
