package proxy

import (
	"context"
	"maps"
	"math/bits"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/wire"
	"github.com/hopline/hopline/lab/mesh"
)

const (
	maxMirrors  = 1024             // copies under way at a time
	mirrorLimit = 15 * time.Second // for a copy of a request without a timeout of its own
)

// mirrored is a copy of a request that will be sent. It shares nothing with the exchange, which may end first. Nothing waits for copies:
// those beyond the bounds are dropped and counted.
type mirrored struct {
	cluster *cluster
	rules   Rules // those of the request
	at      mesh.Request
	head    []byte // from the end of the path, without what frames the body and without the blank line
	limit   time.Duration
	denied  bool   // a policy of the destination denied it
	request string // its id,
	traceID string // and the trace's
}

// mirror prepares the copies that the decision requires. They are sent when all of the request has been read.
func (x *exchange) mirror() {
	if x.d.Mirror == 0 {
		return
	}
	head, header := x.mirrorHead()
	for m := x.d.Mirror; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if i >= len(x.d.Route.Mirrors) {
			continue
		}
		if to := x.d.Route.Mirrors[i].Cluster; !to.Known || to.NotCarried != "" {
			continue
		}
		limit := x.timeout
		if limit <= 0 {
			limit = mirrorLimit
		}
		to := x.in.cluster(x.state, x.d.Route.Mirrors[i].Cluster)
		own := head
		if to.Gateway != "" {
			own = x.in.appendIdentity(slices.Clip(head), to.Cluster)
		}
		at := mesh.Request{Method: x.req.Method, Authority: x.at.Authority, Path: x.at.Path, Header: header, Cluster: to.Name}
		x.copies = append(x.copies, &mirrored{to, x.state.rules, at, own, limit, false, value(x.r.Header, hRequestID), x.trace.traceID()})
	}
}

// mirrorHead returns the head of a copy, and its headers: the request's head, marked as Envoy marks requests of its own. The copy has its own
// span below the request's, which is not sampled: Istio sets trace_sampled: false in TranslateRequestMirrorPolicy, so that traces show no
// copies.
func (x *exchange) mirrorHead() (head []byte, header http.Header) {
	h := x.r.Header
	had := h[hForwardedFor]
	h[hForwardedFor] = []string{strings.Join(append(slices.Clip(had), "127.0.0.1"), ",")}
	h[hInternal] = []string{"true"}
	unsampled := x.trace.child()
	unsampled.sampled = false
	unsampled.inject(h)
	head, header = x.appendHead(nil)[len(x.req.Method)+1+len(x.at.Path):], maps.Clone(h)
	x.trace.inject(h)
	delete(h, hInternal)
	if had != nil {
		h[hForwardedFor] = had
	} else {
		delete(h, hForwardedFor)
	}
	head = wire.AppendField(head, hAttempts, "1")
	expected := x.retries.PerTry // Envoy copies the header as it is, unless the copy has a timeout: that of the whole request
	if x.timeout > 0 {
		expected = x.timeout
	}
	if expected > 0 {
		head = wire.AppendField(head, hExpected, strconv.FormatInt(expected.Milliseconds(), 10))
	}
	return head, header
}

// start sends the copy with the request's body if that was kept.
func (m *mirrored) start(body []byte, kept bool) {
	p := m.cluster.caller.proxy
	if !kept {
		p.metrics.droppedMirrors.Inc()
		return
	}
	select {
	case p.mirrors <- struct{}{}:
		p.inflight.Go(func() {
			defer func() { <-p.mirrors }()
			m.send(body)
		})
	default:
		p.metrics.droppedMirrors.Inc()
	}
}

// send sends the copy and reads the response to its end, so that the connection can be reused.
func (m *mirrored) send(body []byte) {
	k := m.cluster
	p := k.caller.proxy
	ctx, cancel := context.WithTimeout(p.ctx, m.limit)
	defer cancel()
	if k.DNS {
		p.names.resolve(ctx, k, k.wanted())
	}
	h := k.pick(&choice{})
	if h == nil {
		return
	}
	h.active.Add(1)
	defer h.active.Add(-1)
	begun := time.Now()
	if status := h.inbound(m.rules, &k.caller.source, &m.at); status != 0 {
		h.observe(status, false)
		m.denied = status == http.StatusForbidden
		m.record(h, status, begun, len(body), int64(len(inboundText[status])))
		return
	}
	deadline, _ := ctx.Deadline()
	c, f := h.acquire(ctx, deadline)
	if f != none {
		h.observe(failures[f].health, failures[f].local)
		return
	}
	stop := context.AfterFunc(ctx, c.Interrupt)
	status, sent := m.converse(h, c, body)
	if !stop() {
		c.Interrupt() // before it returns to the pool: the other call may still be running
	}
	h.release(c)
	if status != 0 {
		m.record(h, status, begun, len(body), sent)
	}
}

// record counts a copy that got a response. As in Istio only its destination does: a copy does not pass the filter of the caller's Envoy
// that counts requests.
func (m *mirrored) record(h *host, status int, begun time.Time, body int, sent int64) {
	took, received := time.Since(begun), int64(body)
	if h.pod == nil || h.pod.NoSidecar {
		return
	}
	h.link.observe(byDestination, status, 0, took, received, sent)
	c := h.cluster.caller
	if c.proxy.access != nil {
		c.proxy.access(&Access{Copy: true, Start: begun, Duration: took, Source: &c.source, Pod: c.name, Method: m.at.Method, Authority: m.at.Authority,
			Path: m.at.Path, Status: status, Denied: m.denied, Received: received, Sent: sent, Attempts: 1, Cluster: h.cluster.Cluster, Upstream: h.address,
			Answered: h.pod.Name, By: &h.pod.Source, RequestID: m.request, TraceID: m.traceID})
	}
}

// converse sends the copy on a connection and reads the response. It returns the status, or 0 without a response, and the size of the body
// in bytes.
func (m *mirrored) converse(h *host, c *conn, body []byte) (status int, sent int64) {
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
		return 0, 0
	}
	h.observe(r.Status, false)
	w := windows.Get().(*wire.Window)
	defer windows.Put(w)
	for err == nil {
		var n int
		n, err = c.Read(&r, w.Bytes())
		sent += int64(n)
	}
	return r.Status, sent
}
