package proxy

import (
	"context"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy/wire"
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
	head    []byte // from the end of the path, without what frames the body and without the blank line
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
			own = wire.AppendField(slices.Clip(head), hCaller, x.in.token)
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
	head := x.appendHead(nil)[len(x.req.Method)+1+len(x.at.Path):]
	delete(h, hInternal)
	if had != nil {
		h[hForwardedFor] = had
	} else {
		delete(h, hForwardedFor)
	}
	head = wire.AppendField(head, hAttempts, "1")
	if expected := x.expected(); expected > 0 {
		head = wire.AppendField(head, hExpected, strconv.FormatInt(expected.Milliseconds(), 10))
	}
	return head
}

// leave sends the copy with the request's body, if that was kept.
func (m *mirrored) leave(body []byte, kept bool) {
	if !kept {
		m.proxy.metrics.droppedMirrors.Inc()
		return
	}
	select {
	case m.proxy.mirrors <- struct{}{}:
		m.proxy.inflight.Go(func() {
			defer func() { <-m.proxy.mirrors }()
			m.send(body)
		})
	default:
		m.proxy.metrics.droppedMirrors.Inc()
	}
}

// send sends the copy and reads the answer to its end, so that the connection can be used again.
func (m *mirrored) send(body []byte) {
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
	deadline, _ := ctx.Deadline()
	c, f := h.acquire(ctx, deadline)
	if f != none {
		h.observe(failures[f].health, failures[f].local)
		return
	}
	stop := context.AfterFunc(ctx, c.Interrupt)
	m.converse(h, c, body)
	if !stop() {
		c.Interrupt() // before the pool has it: the other call may still be on its way
	}
	h.release(c)
}

// converse sends the copy on a connection and reads the response.
func (m *mirrored) converse(h *host, c *conn, body []byte) {
	frame := wire.None
	if len(body) > 0 || !bodiless(m.at.Method) {
		frame = wire.Body(len(body))
	}
	var r wire.Response
	err := c.Send(append([]byte(m.at.Method+" "+m.at.Path), m.head...), frame, body)
	for n := 0; err == nil && n < maxInformation && !r.Final(); n++ {
		err = c.ReadHead(&r, m.at.Method)
	}
	if err != nil || r.Status < 200 {
		h.observe(503, true)
		return
	}
	h.observe(r.Status, false)
	w := windows.Get().(*wire.Window)
	defer windows.Put(w)
	for err == nil {
		_, err = c.Read(&r, w.Bytes())
	}
}
