package proxy

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
)

// ServeNodePort acts as kube-proxy on a Service's NodePort: each connection is sent to one of the Service's ready pods, chosen at random,
// and its content is not inspected. It returns nil when the listener or the proxy is closed, after the connections have ended.
func (p *Proxy) ServeNodePort(l net.Listener, namespace, service string, port int) error {
	stop := context.AfterFunc(p.ctx, func() { l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	authority := net.JoinHostPort(istio.ServiceHost(service, namespace), strconv.Itoa(port))
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		wg.Go(func() { p.relay(c, authority, namespace, port) })
	}
}

// relay joins a connection with a pod. If there is no pod it closes the connection, as kube-proxy can only refuse it.
func (p *Proxy) relay(down net.Conn, authority, namespace string, port int) {
	defer down.Close()
	s := p.state.Load()
	d := s.rules.Decide(&mesh.Request{Authority: authority, Port: port, Path: "/", Method: "GET", Scheme: "http", Header: http.Header{}},
		&mesh.Source{Namespace: namespace, NoSidecar: true}, rand.Uint64())
	if d.To == nil {
		return
	}
	hosts := s.endpoints[d.To.Cluster]
	if hosts == nil || len(hosts.list) == 0 {
		return
	}
	up, err := net.DialTimeout("tcp", hosts.list[rand.IntN(len(hosts.list))].address, defaultConnectTimeout)
	if err != nil {
		return
	}
	defer up.Close()
	splice(side{down, down}, side{up, up}, true, p.ctx.Done())
}
