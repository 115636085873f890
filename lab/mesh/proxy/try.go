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
)

// tries sends the request to a host, and then to one after another until one answers or the route's policy has enough. It leaves
// the last answer in x.resp, with its body still on the connection.
func (x *exchange) tries(h *host) failure {
	for {
		if h == nil {
			return noHealthy
		}
		x.host = h
		x.tried = append(x.tried, h)
		x.attempts++
		x.tryStart = time.Now()
		h.active.Add(1)
		last := x.try(h)
		x.judge(h, last)
		if !x.again(last) {
			return last
		}
		x.abandon(last)
		if f := x.backoff(); f != none {
			return f
		}
		h = x.cluster.pick(x)
	}
}

// judge reports a try to outlier detection and to the metrics of the destination.
func (x *exchange) judge(h *host, f failure) {
	if f != none {
		h.active.Add(-1)
		h.observe(failures[f].health, failures[f].local)
		return
	}
	h.observe(x.resp.status, false)
}

// abandon ends a try whose answer nobody will read.
func (x *exchange) abandon(f failure) {
	if f == none {
		x.finish(x.resp.skip(x.conn) && x.bodyWritten())
	}
}

// finish gives the try's connection back.
func (x *exchange) finish(reusable bool) {
	if p := x.host.pod; p != nil && !p.Bare && !x.state.plain {
		x.host.edge.observe(byDestination, x.resp.status, 0, time.Since(x.tryStart), 0, x.sent)
	}
	c := x.conn
	if c == nil { // the destination's sidecar has answered itself
		x.host.active.Add(-1)
		return
	}
	sound := x.letGo()
	x.stopSending()
	x.host.active.Add(-1)
	x.host.release(c, reusable && sound)
}

// try sends the request to a host and reads the answer's head. With a failure the connection is gone.
func (x *exchange) try(h *host) failure {
	if !x.arrive(h) {
		return none
	}
	c, f := h.acquire(x.ctx, x.deadline)
	if f != none {
		return f
	}
	x.hold(c)
	if f = x.converse(c); f != none {
		x.hold(nil)
		x.stopSending()
		h.release(c, false)
	}
	return f
}

// converse writes the request and reads the answer's head.
func (x *exchange) converse(c *conn) failure {
	head := x.appendTry(x.head)
	x.head = head[:len(x.head)]
	_, err := c.Write(head)
	if err != nil && x.gone() {
		return clientGone
	}
	// A write that fails may still leave an answer to read: an upstream that refuses a request and closes.
	x.sender = nil
	if x.body != nil && err == nil {
		x.sender = x.send(c)
	}
	for range maxInformation {
		if err = x.resp.readHead(c.r, x.r.Method); err != nil {
			break
		}
		if x.resp.status >= 200 || x.resp.status == http.StatusSwitchingProtocols {
			x.headCame()
			return none
		}
		x.inform(x.sender)
	}
	switch {
	case x.gone() || x.body != nil && x.body.failed() != nil:
		return clientGone
	case err == nil || errors.Is(err, errGarbage):
		return garbage
	case errors.Is(err, os.ErrDeadlineExceeded):
		if !x.deadline.IsZero() && !time.Now().Before(x.deadline) {
			return routeTimeout
		}
		return perTryTimeout
	}
	return terminated
}

// stopSending is for the end of a try.
func (x *exchange) stopSending() {
	if x.sender != nil {
		x.sender.cancel()
	}
}

// bodyWritten is whether all of the request's body has gone to the upstream.
func (x *exchange) bodyWritten() bool { return x.body == nil || x.sender != nil && x.sender.finished() }

// gone is whether the caller has left.
func (x *exchange) gone() bool { return x.ctx.Err() != nil }

// inform deals with an answer 1xx: it lets the body go on 100, and passes the answer on.
func (x *exchange) inform(s *sender) {
	if x.resp.status == http.StatusContinue {
		if s != nil {
			s.proceed()
		}
		return // the server sends its own when the body is read
	}
	h := x.w.Header()
	x.copyHead(h)
	x.w.WriteHeader(x.resp.status)
	clear(h)
}

// arrive asks the destination's sidecar; false: its answer is in x.resp.
func (x *exchange) arrive(h *host) bool {
	had := x.at.Path
	x.at.Path = x.path
	status := h.inbound(x.state.rules, &x.in.source, &x.at)
	if x.at.Path != had {
		x.head = x.appendHead(x.head[:0], x.length())
	}
	if status == 0 {
		return true
	}
	x.resp.replace(status, inboundText[status])
	return false
}

// fail answers for a request that no try has an answer for.
func (x *exchange) fail(f failure) {
	x.flags |= failures[f].flags
	if f == clientGone {
		x.broken = true
		return
	}
	if f == overflow {
		x.w.Header()["X-Envoy-Overloaded"] = []string{"true"}
	}
	x.answer(failures[f].status, f.text(x.attempts > 1))
}

// sender writes a request's body to one try's connection while the answer is awaited.
type sender struct {
	x    *exchange
	c    *conn
	wait chan struct{} // closed when the body may go: at once, unless the caller expects 100
	once sync.Once
	over atomic.Bool   // the try has ended: nobody needs the body any more
	done chan struct{} // closed at the end
	ok   bool          // all was written; to be read once done is closed
}

// patience is how long a request that expects 100 waits for it, in case the upstream does not know the word.
const patience = time.Second

func (x *exchange) send(c *conn) *sender {
	s := &sender{x: x, c: c, wait: make(chan struct{}), done: make(chan struct{})}
	if x.r.Header.Get("Expect") == "" {
		s.proceed()
	}
	x.senders.Add(1)
	go s.run()
	return s
}

func (s *sender) proceed() { s.once.Do(func() { close(s.wait) }) }

// cancel ends a sender that still waits for leave.
func (s *sender) cancel() {
	s.over.Store(true)
	s.proceed()
}

// finished is whether all of the body has been written.
func (s *sender) finished() bool {
	select {
	case <-s.done:
		return s.ok
	default:
		return false
	}
}

func (s *sender) run() {
	defer s.x.senders.Done()
	defer close(s.done)
	select {
	case <-s.wait:
	default:
		t := time.NewTimer(patience)
		defer t.Stop()
		select {
		case <-s.wait:
		case <-t.C:
		case <-s.x.ctx.Done():
			return
		}
	}
	s.ok = !s.over.Load() && s.copy()
}

// copy writes the body; false: not to its end.
func (s *sender) copy() bool {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	chunked := s.x.r.ContentLength < 0
	const room = 10 // for a chunk's size and the line's end before the bytes
	for at := int64(0); ; {
		n, err := s.x.body.next(at, (*b)[room:len(*b)-2])
		if n > 0 {
			at += int64(n)
			out := (*b)[room : room+n]
			if chunked {
				size := strconv.AppendInt(make([]byte, 0, room), int64(n), 16)
				size = append(size, "\r\n"...)
				copy((*b)[room-len(size):], size)
				out = append((*b)[room-len(size):room+n], "\r\n"...)
			}
			if _, err := s.c.Write(out); err != nil {
				return false
			}
		}
		switch err {
		case nil:
			continue
		case io.EOF:
			if chunked {
				_, err := s.c.Write([]byte("0\r\n\r\n"))
				return err == nil
			}
			return true
		case errNotReplayable:
			return false
		}
		s.c.SetDeadline(past) // the caller broke off: so does this
		return false
	}
}

// buffers are for bodies on their way.
var buffers = sync.Pool{New: func() any { b := make([]byte, bodyWindow); return &b }}
