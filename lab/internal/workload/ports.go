package workload

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The range of pods' ports. It is below the ephemeral ports of Linux (32768–60999), macOS and Windows (49152–65535), so that no outgoing
// connection takes a pod's port while its process restarts.
const (
	firstPort = 20000
	lastPort  = 29999
)

// portPool hands out free loopback ports. Another program may take a port between the check and the process's own bind; the pod then fails
// with "address already in use" and gets other ports.
type portPool struct {
	host string

	mu   sync.Mutex
	used map[int]bool
	next int
}

func newPortPool(host string) *portPool {
	return &portPool{host: host, used: map[int]bool{}, next: firstPort + rand.IntN(lastPort-firstPort)}
}

// take reserves a port on which no process listens.
func (p *portPool) take() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range lastPort - firstPort + 1 {
		port := p.next
		if p.next++; p.next > lastPort {
			p.next = firstPort
		}
		if p.used[port] {
			continue
		}
		listener, err := net.Listen("tcp", net.JoinHostPort(p.host, strconv.Itoa(port)))
		if err != nil {
			continue
		}
		_ = listener.Close()
		p.used[port] = true
		return port, nil
	}
	return 0, fmt.Errorf("no free port on %s between %d and %d", p.host, firstPort, lastPort)
}

// give returns a port that take has reserved.
func (p *portPool) give(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, port)
}
