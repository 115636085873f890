package up

import (
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
)

// nodePort is a port that a Service of type NodePort opens.
type nodePort struct {
	namespace, service string
	port, node         int
}

// nodePortsOf are those that an overlay asks for.
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

func (n nodePort) door() door {
	service := n.namespace + "/" + n.service
	return door{what: "Service " + service, port: n.node, remedy: "it is the nodePort of that Service in the overlay"}
}

// nodePorts are the open ones. Set is called by one goroutine at a time.
type nodePorts struct {
	host  string
	proxy *proxy.Proxy
	open  map[nodePort]net.Listener
	serve sync.WaitGroup
}

// set opens and closes what it takes to have just these open. The error tells all that could not be opened.
func (n *nodePorts) set(wanted []nodePort) error {
	keep := map[nodePort]bool{}
	for _, w := range wanted {
		keep[w] = true
	}
	for port, listener := range n.open {
		if !keep[port] {
			_ = listener.Close()
			delete(n.open, port)
		}
	}
	var problems []error
	for _, w := range wanted {
		if n.open[w] != nil {
			continue
		}
		listeners, err := open(n.host, []door{w.door()})
		if err != nil {
			problems = append(problems, err)
			continue
		}
		n.open[w] = listeners[0]
		n.serve.Go(func() {
			if err := n.proxy.ServeNodePort(listeners[0], w.namespace, w.service, w.port); err != nil && !errors.Is(err, net.ErrClosed) {
				panic(fmt.Sprintf("node port %d: %v", w.node, err)) // loopback listeners do not fail by themselves
			}
		})
	}
	return errors.Join(problems...)
}

// close closes all; established connections end with the proxy.
func (n *nodePorts) close() { _ = n.set(nil) }
