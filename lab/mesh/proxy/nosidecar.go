package proxy

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net/http"

	"github.com/hopline/hopline/lab/mesh"
)

// serveNoSidecar forwards a request of a pod without a sidecar, as kube-proxy and the pod's HTTP client would: to any ready pod of the
// Service, once, with its headers unchanged. Instead of a failed connection it returns 502 with the reason.
func (x *exchange) serveNoSidecar() {
	from := mesh.Source{Namespace: x.in.source.Namespace, NoSidecar: true} // without a mesh a gateway has none either
	d := x.state.rules.Decide(&x.req, &from, rand.Uint64())
	if d.Outcome != mesh.Forward {
		x.respond(http.StatusBadGateway, x.state.rules.Missing(&x.req, &x.in.source))
		return
	}
	x.d = d
	x.cluster = x.in.cluster(x.state, d.To.Cluster)
	x.resolve()
	hosts := x.cluster.hosts.Load()
	if hosts.fault != "" || len(hosts.list) == 0 {
		x.respond(http.StatusBadGateway, cmp.Or(hosts.fault, "no ready pod behind "+d.To.Cluster.Host))
		return
	}
	x.host = hosts.list[rand.IntN(len(hosts.list))]
	dropHopByHop(x.r.Header)
	if x.host.hasSidecar(x.state.rules) {
		delete(x.r.Header, hClientCert)
	}
	x.at, x.path = x.req, x.req.Path
	x.openBody()
	x.head = x.appendHead(x.head[:0])
	stop := context.AfterFunc(x.ctx, x.deadlines.interrupt)
	defer func() { x.noticed = !stop() }()
	if x.body == nil {
		x.bodyEnd(nil, true)
	}
	x.host.active.Add(1)
	if f := x.try(x.host); f != none {
		x.host.active.Add(-1)
		switch f = x.cause(f); f {
		case clientGone:
			x.broken = true
			return
		case malformed, stalled:
			x.respond(failures[f].status, failures[f].text)
			return
		}
		x.respond(http.StatusBadGateway, x.host.address+" behind "+d.To.Cluster.Host+": "+cmp.Or(failures[f].reason, failures[f].text))
		return
	}
	x.pass()
}
