package proxy

import (
	"fmt"
	"net"
	"net/http"

	"github.com/hopline/hopline/lab/mesh"
)

// hopKey names a gateway's port that workloads are routed to.
type hopKey struct {
	gateway string
	port    int
}

// hop is a gateway in the middle of the mesh, such as the egress gateway. It is reached over loopback like any workload, so
// that a request passes it with a span, metrics and tries of its own. As every gateway of Istio's it takes its callers for the world
// outside, even if they are sidecars: it appends their address and makes a new request id.
type hop struct {
	address string
	server  *http.Server
}

// hopAddress is where a gateway listens for the mesh; the first to ask opens it. The caller holds p.mu.
func (p *Proxy) hopAddress(gateway string, port int) (string, error) {
	key := hopKey{gateway, port}
	if h := p.hops[key]; h != nil {
		return h.address, nil
	}
	var source mesh.Source
	switch gateway {
	case mesh.EgressGateway().Workload:
		source = mesh.EgressGateway()
	case mesh.IngressGateway().Workload:
		source = mesh.IngressGateway()
	default:
		return "", fmt.Errorf("unknown gateway %q", gateway)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	c := newCaller(p, source, fmt.Sprintf("%s-%d", gateway, port), port)
	p.entries = append(p.entries, c)
	h := &hop{address: l.Addr().String()}
	h.server = NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, r.Host, port) }))
	p.hops[key] = h
	go h.server.Serve(l)
	return h.address, nil
}
