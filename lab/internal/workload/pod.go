package workload

import (
	"cmp"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// pod is one replica of a Deployment: containers that run until the pod is stopped.
type pod struct {
	name       string
	number     int // in order of creation
	hash       string
	spec       spec
	init       []*container
	containers []*container
	stop       chan struct{} // closed to stop the pod
	hasten     chan struct{} // closed to end it without preStop and with little time to drain

	// The fields below are guarded by Supervisor.mu.
	host     string
	ports    map[int]int   // container port → port on this machine; a new map for each change
	moved    chan struct{} // closed when a port changes, and then another one
	problem  string        // why it cannot start
	dir      string        // of its volumes; "" for none
	stopping bool
	hastened bool // hasten is closed
	over     bool // all its processes have ended
}

func newPod(sp spec, number int) *pod {
	p := &pod{
		name: podName(sp.object.Name, sp.hash), number: number, hash: sp.hash, spec: sp,
		stop: make(chan struct{}), hasten: make(chan struct{}), moved: make(chan struct{}),
	}
	for i := range sp.init {
		p.init = append(p.init, &container{pod: p, spec: &p.spec.init[i], state: Starting})
	}
	for i := range sp.containers {
		p.containers = append(p.containers, &container{pod: p, spec: &p.spec.containers[i], state: Starting})
	}
	return p
}

// toStop marks a pod as one that is to be stopped, and returns it.
func (p *pod) toStop() *pod {
	p.stopping = true
	return p
}

// ready reports whether all containers are.
func (p *pod) ready() bool {
	return !p.stopping && !p.over && !slices.ContainsFunc(p.containers, func(c *container) bool { return !c.ready })
}

// address returns the address of a container port on this machine, or "".
func (p *pod) address(container int) string {
	port, ok := p.ports[container]
	if !ok {
		return ""
	}
	return net.JoinHostPort(p.host, strconv.Itoa(port))
}

// mesh returns the pod as the proxy needs it.
func (p *pod) mesh() mesh.Pod {
	ports := make(map[int]string, len(p.ports))
	for container := range p.ports {
		ports[container] = p.address(container)
	}
	return mesh.Pod{Name: p.name, Source: p.spec.source, Ready: p.ready(), Ports: ports, Names: p.spec.names}
}

// worst returns the container whose state the pod has: one that waits for its restart, or that fails, or that starts, or else the first.
func (p *pod) worst() *container {
	order := []State{BackOff, Failing, Starting, Ready}
	return slices.MinFunc(slices.Concat(p.containers, p.init), func(a, b *container) int {
		return cmp.Compare(slices.Index(order, a.state), slices.Index(order, b.state))
	})
}

// status returns the status of the pod: the state and the reason of its worst container, and the process of the first.
func (p *pod) status(d *deployment) Status {
	first, worst := p.containers[0], p.worst()
	s := Status{
		Pod: p.mesh(), Deployment: p.spec.name, Image: ImageProgram(first.spec.Image), State: worst.state, Ended: worst.ended, LastLine: worst.lastLine,
		Current: d != nil && !d.gone && p.hash == d.spec.hash,
	}
	if s.Reason = worst.reason; s.Reason != "" && worst.label() != "" {
		s.Reason = "container " + worst.label() + ": " + s.Reason
	}
	if first.spec.admin != 0 {
		s.Admin = p.address(first.spec.admin)
	}
	for _, c := range slices.Concat(p.init, p.containers) {
		s.Restarts += c.restarts
	}
	if s.State == BackOff {
		s.Again = worst.again
	}
	if first.process != nil {
		s.Started, s.Process = first.started, first.process.PID()
	}
	if p.problem != "" {
		s.Reason = p.problem
	}
	switch {
	case p.over:
		s.State = Ended
	case p.stopping:
		s.State = Stopping
	}
	return s
}

// run runs a pod's containers until the pod is stopped: first the init containers, one after another, then the others side by side.
func (s *Supervisor) run(p *pod) {
	defer s.pods.Done()
	defer s.ended(p)
	if !s.haveVolumes(p) {
		return
	}
	for _, c := range p.init {
		if !s.keep(c) {
			return
		}
	}
	var side sync.WaitGroup
	for _, c := range p.containers {
		side.Go(func() { s.keep(c) })
	}
	side.Wait()
}

// over waits for d and reports whether the pod is to be stopped instead.
func (s *Supervisor) over(p *pod, d time.Duration) bool {
	select {
	case <-p.stop:
	case <-s.kill:
	case <-time.After(d):
	}
	select {
	case <-p.stop:
		return true
	case <-s.kill:
		return true
	default:
		return false
	}
}

// takePorts reserves a port on this machine for each listener of some containers that has none. A pod keeps its ports when a process is
// restarted, as a pod keeps its address. The caller holds mu.
func (s *Supervisor) takePorts(p *pod, containers ...*container) error {
	ports := maps.Clone(p.ports)
	if ports == nil {
		ports = map[int]int{}
	}
	p.host = s.options.Host
	for _, c := range containers {
		for _, listens := range c.spec.listens {
			if ports[listens[0]] != 0 {
				continue
			}
			port, err := s.ports.take()
			if err != nil {
				return err
			}
			for _, container := range listens {
				ports[container] = port
			}
			p.ports = ports
		}
	}
	p.ports, p.problem = ports, ""
	return nil
}

// givePorts returns the ports of some containers of a pod. The caller holds mu.
func (s *Supervisor) givePorts(p *pod, containers ...*container) {
	ports := maps.Clone(p.ports)
	for _, c := range containers {
		for _, listens := range c.spec.listens {
			if port := ports[listens[0]]; port != 0 {
				s.ports.give(port)
			}
			for _, container := range listens {
				delete(ports, container)
			}
		}
	}
	p.ports = ports
}

// havePorts reserves the ports of a container that could not get them before.
func (s *Supervisor) havePorts(c *container) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(c.spec.listens, func(listens []int) bool { return c.pod.ports[listens[0]] == 0 }) {
		return nil
	}
	err := s.takePorts(c.pod, c)
	s.publish()
	return err
}

// changePorts returns the ports of a container, one of which another program uses, and reserves others. The environment of the pod's other
// containers may name them, so these start again.
func (s *Supervisor) changePorts(c *container) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.givePorts(c.pod, c)
	err := s.takePorts(c.pod, c)
	s.publish()
	close(c.pod.moved)
	c.pod.moved = make(chan struct{})
	return err
}
