package gatewayapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/hopline/hopline/lab/gatewayapi"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// lab is the packages behind `hopline up` and `hopline explain -f`: they read the objects, and the proxy applies them.
type lab struct {
	t       *testing.T
	proxy   *proxy.Proxy
	sidecar string // the address of the pods' sidecars

	mu        sync.Mutex
	listeners map[string]string // by gateway and port: the address of the proxy's listener
	addresses map[string]string // by gateway: the address in the status of its Gateway
	open      map[string]string // by that address with its port: an address of listeners
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, proxy: proxy.New(proxy.Options{}), listeners: map[string]string{}, addresses: map[string]string{}, open: map[string]string{}}
	t.Cleanup(func() { _ = l.proxy.Close() })
	l.sidecar = serve(t, l.proxy.Sidecar())
	return l
}

// serve serves a handler of the proxy on a free port until the test ends.
func serve(t *testing.T, h http.Handler) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := proxy.NewServer(h)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// apply reads the objects and applies them. It returns the rules of the Gateway API, with their status.
func (l *lab) apply(list []byte, pods *pods) (*gatewayapi.Rules, error) {
	o, rest, err := overlay.ReadCluster("the suite's objects", bytes.NewReader(list))
	if err == nil && len(rest.Limits) > 0 {
		err = rest.Limits[0]
	}
	if err != nil {
		return nil, err
	}
	table, err := mesh.Compile(o)
	if err != nil {
		return nil, err
	}
	l.proxy.SetPods(pods.mesh(o))
	l.proxy.Swap(table)
	l.expose(o, table)
	return gatewayapi.Convert(o), nil
}

// expose serves each port of each gateway. A gateway gets its own address, from a range that is never routed, as its load balancer's.
func (l *lab) expose(o *overlay.Overlay, table *mesh.Table) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.open)
	for _, source := range mesh.Gateways(o) {
		name := source.Namespace + "/" + source.Workload
		if l.addresses[name] == "" {
			l.addresses[name] = fmt.Sprintf("192.0.2.%d", len(l.addresses)+1)
		}
		for _, port := range table.GatewayPorts(&source) {
			key := fmt.Sprintf("%s:%d", name, port)
			if l.listeners[key] == "" {
				l.listeners[key] = serve(l.t, l.proxy.Gateway(source, port))
			}
			l.open[fmt.Sprintf("%s:%d", l.addresses[name], port)] = l.listeners[key]
		}
	}
}

// dial connects to an address of a Gateway.
func (l *lab) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	to := l.open[address]
	l.mu.Unlock()
	if to == "" {
		return nil, errors.New(address + ": no gateway has this address and port")
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

// statusAddresses returns the addresses in the status of a Gateway: those that it names, or that of the gateway that Istio deploys for it.
func (l *lab) statusAddresses(g *gatewayv1.Gateway) (out []gatewayv1.GatewayStatusAddress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ip := l.addresses[g.Namespace+"/"+g.Name+"-"+className]; ip != "" {
		return []gatewayv1.GatewayStatusAddress{{Type: new(gatewayv1.IPAddressType), Value: ip}}
	}
	for _, a := range g.Spec.Addresses {
		if a.Type != nil && *a.Type == gatewayv1.HostnameAddressType {
			out = append(out, gatewayv1.GatewayStatusAddress(a))
		}
	}
	return out
}

// transport returns a transport that sends requests as a pod, through its sidecar.
func (l *lab) transport(pod string) *http.Transport {
	t := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: l.sidecar, User: l.proxy.Credentials(pod)}), DisableCompression: true}
	l.t.Cleanup(t.CloseIdleConnections)
	return t
}
