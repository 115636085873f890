package proxy

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/hopline/hopline/lab/internal/wire"
	"github.com/hopline/hopline/lab/mesh"
)

// exchange is one request in the proxy. It passes the steps of Envoy's filter chain in their order: sanitized headers, tracing, routing,
// faults, then the router with its tries.
type exchange struct {
	proxy     *Proxy
	in        *caller
	arrival   arrival // of a request to a gateway inside the mesh
	state     *state
	noSidecar bool // the caller has no sidecar: there is no mesh, or the caller is not in it
	w         http.ResponseWriter
	r         *http.Request
	ctx       context.Context
	start     time.Time
	address   string // the caller's, without its port; see peer

	req     mesh.Request
	at      mesh.Request // as the destination sees it, for its policies
	path    string       // as the caller's sidecar sends it; at.Path is the path after the destination's sidecar
	d       mesh.Decision
	cluster *cluster
	host    *host // of the last try
	trace   traceContext

	upgrade    bool
	body       *requestBody // nil: none
	retries    mesh.Retries
	timeout    time.Duration
	attempts   int
	retrying   bool   // this try counts against the cluster's limit of retries
	choice     choice // of the next host
	tryStart   time.Time
	setCookies []string      // generated for the caller
	cors       []mesh.Header // of the response, by the route's corsPolicy
	head       []byte        // of the request to the upstream; what differs from try to try follows

	conn      *conn // of the try under way
	deadlines deadlines

	resp    wire.Response
	status  int // sent to the caller; 0: none
	flags   flags
	sent    int64 // bytes of the response's body
	wrote   bool  // the response's head is sent
	stopped bool  // the destination's sidecar responds itself
	denied  bool  // an AuthorizationPolicy denied the request
	broken  bool  // the response is incomplete: the connection to the caller must be closed

	log    Access     // made at the end
	values [][]string // of the headers that rules match on, before any rule has changed them

	noticed bool // deadlines.interrupt was called, or is being called

	copies  []*mirrored
	sender  *sender // of the last try
	senders sync.WaitGroup
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// reset clears the exchange for another request and keeps its buffers.
func (x *exchange) reset() {
	x.resp.Reset()
	clear(x.values)
	*x = exchange{values: x.values[:0], head: x.head[:0], choice: choice{tried: x.choice.tried[:0]}, resp: x.resp}
	clear(x.choice.tried[:cap(x.choice.tried)])
}

// serve handles a request of a caller in the current state. Port is the port in the request's authority. The arrival is empty, unless a
// workload of the mesh sends the request to a gateway.
func (c *caller) serve(w http.ResponseWriter, r *http.Request, authority string, port int, arrived arrival) {
	c.serveIn(c.proxy.state.Load(), w, r, authority, port, arrived)
}

func (c *caller) serveIn(s *state, w http.ResponseWriter, r *http.Request, authority string, port int, arrived arrival) {
	x := exchanges.Get().(*exchange)
	x.proxy, x.in, x.arrival, x.state = c.proxy, c, arrived, s
	x.noSidecar = c.source.NoSidecar || x.state.noMesh
	x.w, x.r, x.ctx, x.start = w, r, r.Context(), time.Now()
	x.req = mesh.Request{Method: r.Method, Authority: authority, Path: target(r), Scheme: "http", Port: port, Header: r.Header}
	x.serve()
	x.settle()
	x.record()
	broken := x.broken
	if !x.noticed { // otherwise the callback on the caller's leaving may still use it
		x.reset()
		exchanges.Put(x)
	}
	if broken {
		panic(http.ErrAbortHandler) // makes the server close the connection in the middle of a response
	}
}

// serve runs the filter chain.
func (x *exchange) serve() {
	if x.noSidecar {
		x.serveNoSidecar()
		return
	}
	if !x.admissible() {
		return
	}
	x.sanitizeHeaders()
	x.trace.begin(x)
	x.d = x.state.rules.Decide(&x.req, &x.in.source, rand.Uint64())
	x.noteHeaders()
	if !x.authorized() || !x.fault() {
		return
	}
	switch x.d.Outcome {
	case mesh.NoHost:
		x.flags |= flagNoCluster
		x.respond(http.StatusBadGateway, x.state.rules.Missing(&x.req, &x.in.source))
	case mesh.NoRoute:
		x.flags |= flagNoRoute
		x.respond(http.StatusNotFound, "")
	case mesh.Redirect:
		x.redirect()
	case mesh.Direct:
		x.direct()
	case mesh.Preflight:
		x.preflight()
	case mesh.Forward:
		x.cors = x.d.Route.CORS.Headers(&x.req)
		x.forward()
	}
}

// authorized checks the policies of the gateway that received the request. It returns false if it has responded. As in Envoy's filter chain
// these policies are applied before faults, and whether or not a rule matches the request.
func (x *exchange) authorized() bool {
	if !x.in.source.Gateway {
		return true
	}
	seen := x.req
	seen.Peer, seen.Cluster = x.peer(), x.arrival.cluster
	if ok, _ := x.state.rules.Authorize(x.arrival.from, &x.in.source, &seen); ok {
		return true
	}
	x.denied = true
	if x.d.Outcome == mesh.Redirect || x.d.Outcome == mesh.Direct { // Envoy leaves the changes of such a rule to its own response
		x.local(http.StatusForbidden, denied)
	} else {
		x.respond(http.StatusForbidden, denied)
	}
	return false
}

// fault injects the delay and the abort that were drawn. It returns false if the request has ended.
func (x *exchange) fault() bool {
	if x.d.Delay > 0 {
		x.flags |= flagDelay
		if !x.sleep(x.d.Delay, time.Time{}) {
			x.flags |= flagClientGone
			x.broken = true
			return false
		}
	}
	if x.d.Abort != 0 {
		x.flags |= flagFault
		x.respond(x.d.Abort, "fault filter abort")
		return false
	}
	return true
}

// sleep waits for d. It returns false if the caller left or the deadline passed first.
func (x *exchange) sleep(d time.Duration, deadline time.Time) bool {
	enough := true
	if !deadline.IsZero() {
		if left := time.Until(deadline); left < d {
			d, enough = left, false
		}
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return enough
	case <-x.ctx.Done():
		return false
	}
}

// forward sends the request to the decision's destination.
func (x *exchange) forward() {
	to := x.d.To.Cluster
	if !to.Known {
		x.flags |= flagNoCluster
		x.respond(x.d.Route.Unbacked(), "")
		return
	}
	if to.NotCarried != "" {
		x.flags |= flagNoHealthy
		x.respond(http.StatusBadGateway, to.NotCarried)
		return
	}
	x.cluster = x.in.cluster(x.state, to)
	x.resolve()
	if why := x.cluster.hosts.Load().fault; why != "" {
		x.flags |= flagNoHealthy
		x.respond(http.StatusBadGateway, why)
		return
	}
	x.policy()
	x.keys()
	x.rewrite()
	x.openBody()
	x.head = x.appendHead(x.head[:0])
	stop := context.AfterFunc(x.ctx, x.deadlines.interrupt)
	defer func() { x.noticed = !stop() }()
	h := x.cluster.pick(&x.choice)
	if h != nil { // Envoy sends no copies of a request that it cannot send
		x.mirror()
	}
	if x.body == nil {
		x.bodyEnd(nil, true)
	}
	f := x.tries(h)
	x.releaseRetry()
	if f != none {
		x.fail(f)
		return
	}
	x.pass()
}

// policy sets the route's timeout and retries. Requests cannot set their own by x-envoy-* headers: Istio's Envoys trust no caller to, and
// sanitizeHeaders has removed them.
func (x *exchange) policy() {
	x.retries, x.timeout = x.d.Route.Retries, x.d.Route.Timeout
	x.choice.others = x.retries.OtherHosts
	if x.timeout > 0 && x.retries.PerTry >= x.timeout {
		x.retries.PerTry = 0
	}
}

// openBody prepares the request's body. Without a body the request has ended already. The body of an upgrade is sent to the upstream like
// any other: the protocol can change only after the whole request (RFC 9110, section 7.8).
func (x *exchange) openBody() {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return
	}
	// Without this the server reads the body to its end, or up to a limit, before it sends an early response.
	http.NewResponseController(x.w).EnableFullDuplex()
	x.body = newRequestBody(x.r.Body, newIdle(x.proxy.bodyIdle, x.stall), x.bodyEnd)
}

// stall ends a request whose body has stopped arriving: it interrupts the read of the body and the wait for the upstream.
func (x *exchange) stall() {
	http.NewResponseController(x.w).SetReadDeadline(time.Now())
	x.deadlines.interrupt()
}

// bodyEnd is called as soon as all of the request has been read: it starts the timers and sends the copies.
func (x *exchange) bodyEnd(whole []byte, kept bool) {
	x.deadlines.end(x.timeout, x.retries.PerTry)
	for _, c := range x.copies {
		c.start(whole, kept)
	}
}

// settle waits for goroutines that still read the request's body. If the response ended before the body did, the rest is discarded.
func (x *exchange) settle() {
	if x.body == nil {
		if x.r.ContentLength != 0 {
			linger(x.w)
		}
		return
	}
	if !x.body.over() {
		http.NewResponseController(x.w).SetReadDeadline(time.Now())
	}
	x.senders.Wait()
	x.body.idle.stop()
}
