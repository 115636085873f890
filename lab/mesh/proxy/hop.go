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
	source, ok := mesh.BuiltInGateway(gateway)
	if !ok {
		return "", fmt.Errorf("unknown gateway %q", gateway)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	c := newCaller(p, source, fmt.Sprintf("%s-%d", gateway, port), port)
	p.entries = append(p.entries, c)
	p.setTokens()
	h := &hop{address: l.Addr().String()}
	h.server = NewServer(c.hop())
	p.hops[key] = h
	go h.server.Serve(l)
	return h.address, nil
}

// hop is the handler of a gateway in the mesh. Only proxies of the mesh reach it, and they say for whom: the policies of the gateway may ask.
func (c *caller) hop() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var from *caller
		for _, token := range r.Header[hCaller] {
			if known := (*c.proxy.tokens.Load())[token]; known != nil {
				from = known
			}
		}
		if from == nil {
			refuse(w, http.StatusForbidden, "this port of "+c.source.Workload+" is for the mesh's own proxies: ask for a host that a VirtualService leads here")
			return
		}
		delete(r.Header, hCaller)
		c.serve(w, r, r.Host, c.port, &from.source)
	})
}
