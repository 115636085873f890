package proxy

import (
	"context"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

const (
	maxMirrors  = 1024             // copies under way at a time
	mirrorLimit = 15 * time.Second // for a copy of a request without a timeout of its own
)

// mirrored is a copy of a request that is to be sent. It shares nothing with the exchange, which may end first. Nobody waits for
// copies: what does not fit the bounds is dropped and counted.
type mirrored struct {
	proxy   *Proxy
	cluster *cluster
	rules   Rules // those of the request
	at      mesh.Request
	head    []byte // from the end of the path, without what tells the body's length, and without the blank line
	limit   time.Duration
}

// mirror prepares the copies that the decision wants. They leave when all of the request has come.
func (x *exchange) mirror() {
	if x.d.Mirror == 0 {
		return
	}
	head := x.mirrorHead()
	for m := x.d.Mirror; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if i >= len(x.d.Route.Mirrors) || !x.d.Route.Mirrors[i].Cluster.Known {
			continue
		}
		limit := x.timeout
		if limit <= 0 {
			limit = mirrorLimit
		}
		to := x.in.cluster(x.state, x.d.Route.Mirrors[i].Cluster)
		own := head
		if to.Gateway != "" {
			own = appendField(slices.Clip(head), hCaller, x.in.token)
		}
		at := mesh.Request{Method: x.req.Method, Authority: x.at.Authority, Path: x.at.Path}
		x.copies = append(x.copies, &mirrored{x.proxy, to, x.state.rules, at, own, limit})
	}
}

// mirrorHead is the head of a copy: that of the request, marked as Envoy marks requests of its own.
func (x *exchange) mirrorHead() []byte {
	h := x.r.Header
	had := h[hForwardedFor]
	h[hForwardedFor] = []string{strings.Join(append(slices.Clip(had), "127.0.0.1"), ",")}
	h[hInternal] = []string{"true"}
	head := x.appendHead(nil, untold)[len(x.req.Method)+1+len(x.at.Path):]
	delete(h, hInternal)
	if had != nil {
		h[hForwardedFor] = had
	} else {
		delete(h, hForwardedFor)
	}
	head = appendField(head, hAttempts, "1")
	if expected := x.expected(); expected > 0 {
		head = appendField(head, hExpected, strconv.FormatInt(expected.Milliseconds(), 10))
	}
	return head
}

// leave sends the copy with the request's body, if that was kept.
func (m *mirrored) leave(body []byte, kept bool) {
	if !kept {
		m.proxy.metrics.droppedMirrors.Inc()
		return
	}
	request := slices.Clip(m.head)
	if len(body) > 0 || !bodiless(m.at.Method) {
		request = appendField(request, "Content-Length", strconv.Itoa(len(body)))
	}
	request = append(append(request, "\r\n"...), body...)
	select {
	case m.proxy.mirrors <- struct{}{}:
		m.proxy.inflight.Go(func() {
			defer func() { <-m.proxy.mirrors }()
			m.send(request)
		})
	default:
		m.proxy.metrics.droppedMirrors.Inc()
	}
}

// send sends the copy and reads the answer to its end, so that the connection can be used again.
func (m *mirrored) send(request []byte) {
	ctx, cancel := context.WithTimeout(m.proxy.ctx, m.limit)
	defer cancel()
	k := m.cluster
	if k.DNS {
		m.proxy.names.resolve(ctx, k, k.wanted())
	}
	h := k.pick(&exchange{cluster: k})
	if h == nil {
		return
	}
	h.active.Add(1)
	defer h.active.Add(-1)
	if status := h.inbound(m.rules, &k.caller.source, &m.at); status != 0 {
		h.observe(status, false)
		return
	}
	request = append([]byte(m.at.Method+" "+m.at.Path), request...)
	deadline, _ := ctx.Deadline()
	c, f := h.acquire(ctx, deadline)
	if f != none {
		h.observe(failures[f].health, failures[f].local)
		return
	}
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(past) })
	h.release(c, h.copyOn(c, m.at.Method, request) && stop())
}

// copyOn is the conversation of a copy; true: the connection can be used again.
func (h *host) copyOn(c *conn, method string, request []byte) bool {
	var r response
	_, err := c.Write(request)
	for n := 0; err == nil && n < maxInformation; n++ {
		if err = r.readHead(c.r, method); err == nil && r.status >= 200 {
			break
		}
	}
	if err != nil || r.status < 200 {
		h.observe(503, true)
		return false
	}
	h.observe(r.status, false)
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for err == nil {
		_, err = r.read(c.r, *b)
	}
	return r.done && !r.closes
}
