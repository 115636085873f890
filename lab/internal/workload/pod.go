package workload

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// portTries is how many times a pod whose ports were in use by another program is started on other ports before it counts as a crash.
const portTries = 5

// drainGrace is how long Close and Replace let a process drain before a second SIGTERM: long enough to send the spans of the last second.
const drainGrace = 1200 * time.Millisecond

// pod is one replica of a Deployment: a process that is restarted whenever it ends, until the pod is stopped.
type pod struct {
	name   string
	number int // in order of creation
	hash   string
	spec   spec
	stop   chan struct{} // closed to stop the pod
	hasten chan struct{} // closed to end it without preStop and with little time to drain

	// The fields below are guarded by Supervisor.mu.
	host     string
	ports    map[int]int // container port → port on this machine; a new map for each change
	state    State
	ready    bool
	stopping bool
	hastened bool // hasten is closed
	restarts int
	reason   string
	ended    string
	lastLine string
	process  *process
	started  time.Time
	again    time.Time
}

func newPod(sp spec, number int) *pod {
	return &pod{
		name: podName(sp.object.Name, sp.hash), number: number, hash: sp.hash, spec: sp,
		stop: make(chan struct{}), hasten: make(chan struct{}), state: Starting,
	}
}

// toStop marks a pod as one that is to be stopped, and returns it.
func (p *pod) toStop() *pod {
	p.stopping, p.ready, p.state = true, false, Stopping
	return p
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
	return mesh.Pod{Name: p.name, Source: p.spec.source, NoSidecar: p.spec.noSidecar, Ready: p.ready, Ports: ports, Names: p.spec.names}
}

func (p *pod) status(d *deployment) Status {
	s := Status{
		Pod: p.mesh(), Deployment: p.spec.name, Image: p.spec.image, State: p.state, Restarts: p.restarts, Reason: p.reason, Ended: p.ended, LastLine: p.lastLine,
		Current: d != nil && !d.gone && p.hash == d.spec.hash, Admin: p.address(p.spec.admin),
	}
	if p.state == BackOff {
		s.Again = p.again
	}
	if p.process != nil {
		s.Started, s.Process = p.started, p.process.os.Pid
	}
	return s
}

// run keeps a pod's process running until the pod is stopped.
func (s *Supervisor) run(p *pod) {
	defer s.pods.Done()
	defer s.ended(p)
	var wait backoff
	for tries := 0; ; tries++ {
		reason, taken := s.runOnce(p)
		if s.over(p, 0) {
			return
		}
		if taken {
			if err := s.changePorts(p); err != nil {
				reason = err.Error()
			} else if tries < portTries {
				continue
			}
		}
		tries = 0
		delay := wait.next(time.Now())
		s.update(p, func() { p.state, p.reason, p.again = BackOff, reason, time.Now().Add(delay) })
		if s.over(p, delay) {
			return
		}
		s.update(p, func() { p.state, p.restarts = Starting, p.restarts+1 })
	}
}

// over waits for d and reports whether the pod is to be stopped instead.
func (s *Supervisor) over(p *pod, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.stop:
		return true
	case <-s.kill:
		return true
	default:
	}
	select {
	case <-p.stop:
		return true
	case <-s.kill:
		return true
	case <-timer.C:
		return false
	}
}

// takePorts reserves a port on this machine for each port that the process listens on. The pod keeps them when its process is restarted, as
// a pod keeps its address. The caller holds mu.
func (s *Supervisor) takePorts(p *pod) error {
	ports := map[int]int{}
	for _, container := range []int{p.spec.port, p.spec.admin} {
		port, err := s.ports.take()
		if err != nil {
			return err
		}
		ports[container] = port
	}
	for _, container := range p.spec.also {
		ports[container] = ports[p.spec.port]
	}
	p.host, p.ports = s.options.Host, ports
	return nil
}

// givePorts returns the ports of a pod. The caller holds mu.
func (s *Supervisor) givePorts(p *pod) {
	for _, port := range slices.Compact(slices.Sorted(maps.Values(p.ports))) { // each once: another pod may take it then
		s.ports.give(port)
	}
	p.ports = nil
}

// changePorts returns ports that another program uses and reserves others.
func (s *Supervisor) changePorts(p *pod) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.givePorts(p)
	err := s.takePorts(p)
	s.publish()
	return err
}

// runOnce runs a pod's process until it has ended. It returns how it ended, and whether a port in use was the cause.
func (s *Supervisor) runOnce(p *pod) (reason string, taken bool) {
	if p.ports == nil { // only this goroutine changes them
		if err := s.changePorts(p); err != nil {
			return err.Error(), false
		}
	}
	var inUse atomic.Bool
	out := &splitter{emit: func(text string) {
		if portTaken(text) {
			inUse.Store(true)
		}
		line := NewLine(p.name, p.spec.name, text)
		s.logs.Add(line)
		if s.options.Line != nil {
			s.options.Line(line)
		}
	}}
	proc, err := start(s.command(p, out), s.killOnExit)
	if err != nil {
		return err.Error(), false
	}
	s.update(p, func() { p.process, p.started = proc, time.Now() })

	reason = s.attend(p, proc)
	lastLine := ""
	if last := s.logs.Pod(p.name, 1); len(last) > 0 {
		lastLine = logMessage(last[0].Text)
	}
	s.update(p, func() {
		p.process, p.ready = nil, false
		p.ended, p.lastLine = ending(proc.err), lastLine
		if p.state == Ready {
			p.state = Failing
		}
	})
	if reason == "" {
		reason = ending(proc.err)
		if lastLine != "" && proc.exitedWithError() { // a signal comes from outside: the process does not know of it
			reason += ": " + lastLine
		}
	}
	return reason, inUse.Load()
}

// command returns the command that starts a pod's process.
func (s *Supervisor) command(p *pod, out *splitter) command {
	s.mu.Lock()
	defer s.mu.Unlock()
	pod := p.mesh()
	env := manifest(p.spec.object, p.name)
	env.own(s.options, &pod, p.ports[p.spec.port], p.ports[p.spec.admin])
	c := command{path: p.spec.program, dir: s.options.Programs.Bin, env: env.list(), out: out}
	for _, arg := range p.spec.object.Pod.Container.Args {
		c.args = append(c.args, overlay.Expand(arg, env.values))
	}
	return c
}

// attend probes a process and ends it when the pod is stopped or a probe fails. It returns once the process has ended, with the probe's
// reason, or "" when the process ended by itself.
func (s *Supervisor) attend(p *pod, proc *process) (reason string) {
	ctx, cancel := context.WithCancel(context.Background())
	unwell := make(chan string, 1)
	var probes sync.WaitGroup
	probes.Go(func() { s.probe(ctx, p, unwell) })
	defer probes.Wait()
	defer cancel() // before the wait
	select {
	case <-proc.done:
	case reason = <-unwell:
		s.update(p, func() { p.ready, p.state, p.reason = false, Failing, reason })
		s.end(p, proc)
	case <-p.stop:
		s.end(p, proc)
	case <-s.kill:
		proc.kill()
		<-proc.done
	}
	return reason
}

// end ends a process as the kubelet does: preStop, SIGTERM, and SIGKILL after the grace period, which includes preStop. During Close, and for a
// pod that Replace replaces, no client is left to wait for: preStop is skipped, and a second SIGTERM cuts a drain short.
func (s *Supervisor) end(p *pod, proc *process) {
	template := p.spec.object.Pod
	grace := time.NewTimer(template.Grace)
	defer grace.Stop()
	if template.Container.PreStop > 0 {
		before := time.NewTimer(min(template.Container.PreStop, template.Grace))
		defer before.Stop()
		select {
		case <-before.C:
		case <-proc.done:
		case <-s.closing:
		case <-p.hasten:
		case <-s.kill:
		}
	}
	proc.terminate()
	closing, hasten := s.closing, p.hasten
	var again <-chan time.Time
	for {
		select {
		case <-proc.done:
			return
		case <-closing:
			closing, hasten, again = nil, nil, time.After(drainGrace)
			continue
		case <-hasten:
			closing, hasten, again = nil, nil, time.After(drainGrace)
			continue
		case <-again:
			proc.terminate()
			continue
		case <-grace.C:
		case <-s.kill:
		}
		proc.kill()
		<-proc.done
		return
	}
}

// probe runs a process's probes until ctx ends. It sends to unwell why the process must be restarted.
func (s *Supervisor) probe(ctx context.Context, p *pod, unwell chan<- string) {
	container := p.spec.object.Pod.Container
	if container.Startup != nil {
		started := false
		s.prober(p, container.Startup).run(ctx, func(good bool, why error) bool {
			if started = good; !good {
				unwell <- fmt.Sprintf("startup probe failed %d times: %v", container.Startup.Failures, why)
			}
			return false
		})
		if !started {
			return
		}
	}
	var probes sync.WaitGroup
	defer probes.Wait()
	if container.Liveness != nil {
		probes.Go(func() {
			s.prober(p, container.Liveness).run(ctx, func(good bool, why error) bool {
				if !good {
					unwell <- fmt.Sprintf("liveness probe failed %d times: %v", container.Liveness.Failures, why)
				}
				return good
			})
		})
	}
	if container.Readiness == nil {
		s.update(p, func() { p.ready, p.state, p.reason = true, Ready, "" })
		return
	}
	s.prober(p, container.Readiness).run(ctx, func(good bool, why error) bool {
		s.update(p, func() {
			if good {
				p.ready, p.state, p.reason = true, Ready, ""
				return
			}
			if p.ready {
				p.state = Failing
			}
			p.ready, p.reason = false, fmt.Sprintf("readiness probe failed: %v", why)
		})
		return true
	})
}

func (s *Supervisor) prober(p *pod, probe *overlay.Probe) prober {
	port, _ := p.spec.probed(probe) // checked when the spec was decoded
	s.mu.Lock()
	address := p.address(port)
	s.mu.Unlock()
	return prober{client: s.client, probe: probe, url: "http://" + address + "/" + strings.TrimPrefix(probe.Path, "/")}
}
