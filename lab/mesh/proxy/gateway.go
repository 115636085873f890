package proxy

import (
	"fmt"
	"net"
	"net/http"

	"github.com/hopline/hopline/lab/internal/wire"
	"github.com/hopline/hopline/lab/mesh"
)

// gatewayPort names a gateway's port that workloads are routed to.
type gatewayPort struct {
	gateway string
	port    int
}

// gatewayListener is a gateway inside the mesh, such as the egress gateway. It listens on loopback like any workload, so that a request
// through it has a span, metrics and tries of its own. Like every Istio gateway it treats its callers as outside the mesh, even sidecars:
// it appends their address and creates a new request id.
type gatewayListener struct {
	address string
	server  *http.Server
}

// gatewayAddress returns where a gateway listens for the mesh. The first call opens the listener. The caller holds p.mu.
func (p *Proxy) gatewayAddress(gateway string, port int) (string, error) {
	key := gatewayPort{gateway, port}
	if h := p.gateways[key]; h != nil {
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
	h := &gatewayListener{address: l.Addr().String()}
	h.server = NewServer(c.gatewayHandler())
	p.gateways[key] = h
	go h.server.Serve(l)
	return h.address, nil
}

// arrival is how a request of the mesh reaches a gateway; empty for any other request.
type arrival struct {
	from    *mesh.Source // the workload that sends it; nil: it is not in the mesh
	cluster string       // the name of its cluster for the gateway
}

// appendIdentity appends the headers from which a gateway in the mesh reads the caller and its cluster.
func (c *caller) appendIdentity(b []byte, to *mesh.Cluster) []byte {
	return wire.AppendField(wire.AppendField(b, hCaller, c.token), hCluster, to.Name)
}

// gatewayHandler returns the handler of a gateway inside the mesh. Only proxies of the mesh reach it. They name the calling workload, for
// the gateway's policies.
func (c *caller) gatewayHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var from *caller
		for _, token := range r.Header[hCaller] {
			if known := (*c.proxy.tokens.Load())[token]; known != nil {
				from = known
			}
		}
		if from == nil {
			refuse(w, http.StatusForbidden, "this port of "+c.source.Workload+" is for the mesh's own proxies: call a host that a VirtualService or an HTTPRoute routes here")
			return
		}
		cluster := value(r.Header, hCluster)
		delete(r.Header, hCaller)
		delete(r.Header, hCluster)
		c.serve(w, r, r.Host, c.port, arrival{from: &from.source, cluster: cluster})
	})
}
