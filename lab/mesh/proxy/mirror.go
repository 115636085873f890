package proxy

import (
	"context"
	"math/bits"
	"slices"
	"strings"
	"time"
)

const (
	maxMirrors  = 1024             // copies under way at a time
	mirrorLimit = 15 * time.Second // for a copy of a request without a timeout of its own
)

// mirror sends copies to where the decision says, and returns what to call when the request's tries are over. Nobody waits for copies:
// what does not fit the bounds is dropped and counted. A copy with a body leaves when all of the body has come.
func (x *exchange) mirror() func() {
	if x.d.Mirror == 0 {
		return func() {}
	}
	if x.body == nil {
		x.sendMirrors(nil)
		return func() {}
	}
	return func() {
		if whole, ok := x.body.whole(); ok {
			x.sendMirrors(whole)
			return
		}
		x.proxy.metrics.droppedMirrors.Add(float64(bits.OnesCount64(x.d.Mirror)))
	}
}

func (x *exchange) sendMirrors(body []byte) {
	for m := x.d.Mirror; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if i >= len(x.d.Route.Mirrors) || !x.d.Route.Mirrors[i].Cluster.Known {
			continue
		}
		k := x.in.cluster(x.state, x.d.Route.Mirrors[i].Cluster)
		select {
		case x.proxy.mirrors <- struct{}{}:
			x.proxy.inflight.Go(x.copyFor(k, body))
		default:
			x.proxy.metrics.droppedMirrors.Inc()
		}
	}
}

// copyFor is the sending of one copy. It shares nothing with the exchange, which may end first.
func (x *exchange) copyFor(k *cluster, body []byte) func() {
	p, method, limit := x.proxy, x.req.Method, x.timeout
	if limit <= 0 {
		limit = mirrorLimit
	}
	head := x.mirrorHead(len(body))
	return func() {
		defer func() { <-p.mirrors }()
		ctx, cancel := context.WithTimeout(p.ctx, limit)
		defer cancel()
		k.sendCopy(ctx, p, method, head, body)
	}
}

// mirrorHead is the head of a copy: that of the request, marked as Envoy marks requests of its own.
func (x *exchange) mirrorHead(length int) []byte {
	h := x.r.Header
	was, had := x.r.ContentLength, h[hForwardedFor]
	if x.body != nil {
		x.r.ContentLength = int64(length)
	}
	h[hForwardedFor] = []string{strings.Join(append(slices.Clip(had), "127.0.0.1"), ",")}
	h[hInternal] = []string{"true"}
	head := x.appendTry(x.appendHead(nil))
	delete(h, hInternal)
	if had != nil {
		h[hForwardedFor] = had
	} else {
		delete(h, hForwardedFor)
	}
	x.r.ContentLength = was
	return head
}

// sendCopy sends a copy and reads the answer to its end, so that the connection can be used again.
func (k *cluster) sendCopy(ctx context.Context, p *Proxy, method string, head, body []byte) {
	if k.DNS {
		p.names.resolve(ctx, k)
	}
	x := &exchange{cluster: k}
	h := k.pick(x)
	if h == nil {
		return
	}
	h.active.Add(1)
	defer h.active.Add(-1)
	deadline, _ := ctx.Deadline()
	c, f := h.acquire(ctx, deadline)
	if f != none {
		h.observe(failures[f].health, failures[f].local)
		return
	}
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(past) })
	h.release(c, h.copyOn(c, method, append(head, body...)) && stop())
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
