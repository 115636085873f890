package up

import (
	"errors"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
)

// nodePort is a port that a Service of type NodePort opens.
type nodePort struct {
	namespace, service string
	port, node         int
}

// nodePortsOf returns the node ports of an overlay.
func nodePortsOf(o *overlay.Overlay) []nodePort {
	var ports []nodePort
	for _, s := range o.Services {
		for _, p := range s.Ports {
			if p.NodePort != 0 {
				ports = append(ports, nodePort{s.Namespace, s.Name, p.Port, p.NodePort})
			}
		}
	}
	return ports
}

func (n nodePort) listenPort() listenPort {
	service := n.namespace + "/" + n.service
	return listenPort{what: "Service " + service, port: n.node, remedy: "it is the nodePort of that Service in the overlay"}
}

// nodePorts holds the open node ports. Only one goroutine at a time may call set.
type nodePorts struct {
	host  string
	proxy *proxy.Proxy
	open  map[nodePort]net.Listener
	serve sync.WaitGroup
}

// set opens and closes ports until exactly the wanted ones are open. An error lists all ports that could not be opened, and nothing has
// changed.
func (n *nodePorts) set(wanted []nodePort) error {
	opened := map[nodePort]net.Listener{}
	var problems []error
	for _, w := range wanted {
		if n.open[w] != nil {
			continue
		}
		listeners, err := open(n.host, []listenPort{w.listenPort()})
		if err != nil {
			problems = append(problems, err)
			continue
		}
		opened[w] = listeners[0]
	}
	if len(problems) > 0 {
		for _, listener := range opened {
			_ = listener.Close()
		}
		return errors.Join(problems...)
	}
	for port, listener := range n.open {
		if !slices.Contains(wanted, port) {
			_ = listener.Close()
			delete(n.open, port)
		}
	}
	for port, listener := range opened {
		n.open[port] = listener
		n.serve.Go(func() { _ = n.proxy.ServeNodePort(listener, port.namespace, port.service, port.port) }) // until the listener is closed
	}
	return nil
}

// list returns the open ports.
func (n *nodePorts) list() []nodePort { return slices.Collect(maps.Keys(n.open)) }

// close closes all ports; established connections end with the proxy.
func (n *nodePorts) close() { _ = n.set(nil) }
