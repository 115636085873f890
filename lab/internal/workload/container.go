package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/lab/internal/child"
	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// portTries is how many times a container whose ports were in use by another program is started on other ports before it counts as a crash.
const portTries = 5

// drainGrace is how long Close and Replace let a process drain before a second SIGTERM: long enough to send the spans of the last second.
const drainGrace = 1200 * time.Millisecond

// container is a process of a pod: it is restarted whenever it ends, until the pod is stopped. An init container runs until it succeeds.
type container struct {
	pod  *pod
	spec *containerSpec

	// The fields below are guarded by Supervisor.mu.
	state    State
	ready    bool
	restarts int
	reason   string
	ended    string
	lastLine string
	process  *child.Process
	started  time.Time
	again    time.Time
}

// label returns the container's name for messages; "" for the only one of a pod.
func (c *container) label() string {
	if len(c.pod.init)+len(c.pod.containers) == 1 {
		return ""
	}
	return c.spec.Name
}

// Restart describes a process that has ended, or that could not start, and waits for its restart.
type Restart struct {
	Pod       string
	Container string // "" for the only one of a pod
	Source    mesh.Source
	Reason    string
	Again     time.Time // when it is restarted
}

// end describes how one run of a process ended.
type end struct {
	reason    string
	succeeded bool // it ended by itself with exit code 0
	taken     bool // a port in use was the cause
	moved     bool // it was ended because a port of the pod has changed
}

// keep keeps a container's process running until the pod is stopped, or an init container's until it has succeeded. It returns true then.
func (s *Supervisor) keep(c *container) (succeeded bool) {
	var wait backoff
	for tries := 0; ; tries++ {
		e := s.runOnce(c)
		if s.over(c.pod, 0) {
			return false
		}
		if c.spec.init && e.succeeded {
			s.update(c, func() { c.state, c.reason, c.ready = Ready, "", true })
			return true
		}
		if e.moved {
			continue
		}
		if e.taken {
			if err := s.changePorts(c); err != nil {
				e.reason = err.Error()
			} else if tries < portTries {
				continue
			}
		}
		tries = 0
		delay := wait.next(time.Now())
		s.update(c, func() {
			c.state, c.reason, c.again = BackOff, e.reason, time.Now().Add(delay)
			if s.options.Restart != nil && !c.pod.stopping {
				s.options.Restart(Restart{Pod: c.pod.name, Container: c.label(), Source: c.pod.spec.source, Reason: e.reason, Again: c.again})
			}
		})
		if s.over(c.pod, delay) {
			return false
		}
		s.update(c, func() { c.state, c.restarts = Starting, c.restarts+1 })
	}
}

// runOnce runs a container's process until it has ended, and returns how it ended.
func (s *Supervisor) runOnce(c *container) end {
	if err := s.havePorts(c); err != nil {
		return end{reason: err.Error()}
	}
	var inUse atomic.Bool
	lastLine := ""
	line := func(text string) {
		if portTaken(text) {
			inUse.Store(true)
		}
		lastLine = logMessage(text)
		line := podlog.NewLine(c.pod.name, c.pod.spec.name, text)
		line.Container = c.label()
		s.logs.Add(line)
		if s.options.Line != nil {
			s.options.Line(line)
		}
	}
	settings, moved, err := s.settings(c)
	if err != nil {
		return end{reason: err.Error()}
	}
	proc, err := s.children.Start(settings.command(line))
	if err != nil {
		return end{reason: err.Error()}
	}
	s.update(c, func() { c.process, c.started = proc, time.Now() })

	e := s.attend(c, proc, settings, moved)
	s.update(c, func() {
		c.process, c.ready = nil, false
		c.ended, c.lastLine = proc.Ending(), lastLine
		if c.state == Ready {
			c.state = Failing
		}
	})
	if e.reason == "" {
		e.reason = proc.Ending()
		if lastLine != "" && proc.ExitedWithError() { // a signal is from outside: the process has not written about it
			e.reason += ": " + lastLine
		}
		e.succeeded = proc.Err == nil
	}
	e.taken = inUse.Load()
	return e
}

// attend probes a process and ends it when the pod is stopped, a probe fails, or a port of the pod has changed. It returns once the process
// has ended, with the probe's reason, or "" when the process ended by itself.
func (s *Supervisor) attend(c *container, proc *child.Process, settings settings, moved <-chan struct{}) (e end) {
	ctx, cancel := context.WithCancel(context.Background())
	unwell := make(chan string, 1)
	var probes sync.WaitGroup
	probes.Go(func() { s.probe(ctx, c, settings, unwell) })
	defer probes.Wait()
	defer cancel() // before the wait
	select {
	case <-proc.Done:
	case e.reason = <-unwell:
		s.update(c, func() { c.ready, c.state, c.reason = false, Failing, e.reason })
		s.end(c, proc)
	case <-moved:
		e.moved = true
		s.update(c, func() { c.ready, c.state = false, Starting })
		s.end(c, proc)
	case <-c.pod.stop:
		s.end(c, proc)
	case <-s.kill:
		proc.Kill()
		<-proc.Done
	}
	return e
}

// end ends a process as the kubelet does: preStop, SIGTERM, and SIGKILL after the grace period, which includes preStop. During Close, and for a
// pod that Replace replaces, no client is left to wait for: preStop is skipped, and a second SIGTERM cuts a drain short.
func (s *Supervisor) end(c *container, proc *child.Process) {
	allowed := c.pod.spec.object.Pod.Grace
	grace := time.NewTimer(allowed)
	defer grace.Stop()
	if c.spec.PreStop > 0 {
		before := time.NewTimer(min(c.spec.PreStop, allowed))
		defer before.Stop()
		select {
		case <-before.C:
		case <-proc.Done:
		case <-s.closing:
		case <-c.pod.hasten:
		case <-s.kill:
		}
	}
	proc.Terminate()
	closing, hasten := s.closing, c.pod.hasten
	var again <-chan time.Time
	for {
		select {
		case <-proc.Done:
			return
		case <-closing:
			closing, hasten, again = nil, nil, time.After(drainGrace)
			continue
		case <-hasten:
			closing, hasten, again = nil, nil, time.After(drainGrace)
			continue
		case <-again:
			proc.Terminate()
			continue
		case <-grace.C:
		case <-s.kill:
		}
		proc.Kill()
		<-proc.Done
		return
	}
}

// probe runs a process's probes until ctx ends. It sends the reason to unwell when the process must be restarted.
func (s *Supervisor) probe(ctx context.Context, c *container, settings settings, unwell chan<- string) {
	if c.spec.init {
		return
	}
	if c.spec.Startup != nil {
		started := false
		s.prober(c, c.spec.Startup, settings).run(ctx, func(good bool, why error) bool {
			if started = good; !good {
				unwell <- fmt.Sprintf("startup probe failed %d times: %v", c.spec.Startup.Failures, why)
			}
			return false
		})
		if !started {
			return
		}
	}
	var probes sync.WaitGroup
	defer probes.Wait()
	if c.spec.Liveness != nil {
		probes.Go(func() {
			s.prober(c, c.spec.Liveness, settings).run(ctx, func(good bool, why error) bool {
				if !good {
					unwell <- fmt.Sprintf("liveness probe failed %d times: %v", c.spec.Liveness.Failures, why)
				}
				return good
			})
		})
	}
	if c.spec.Readiness == nil {
		s.update(c, func() { c.ready, c.state, c.reason = true, Ready, "" })
		return
	}
	s.prober(c, c.spec.Readiness, settings).run(ctx, func(good bool, why error) bool {
		s.update(c, func() {
			if good {
				c.ready, c.state, c.reason = true, Ready, ""
				return
			}
			if c.ready {
				c.state = Failing
			}
			c.ready, c.reason = false, fmt.Sprintf("readiness probe failed: %v", why)
		})
		return true
	})
}

// prober returns a prober for a probe of a container.
func (s *Supervisor) prober(c *container, probe *overlay.Probe, settings settings) prober {
	if probe.Exec != nil {
		return prober{probe: probe, command: settings.probe(c.spec, probe), children: s.children}
	}
	port, _ := c.spec.probed(probe) // checked when the spec was decoded
	s.mu.Lock()
	address := c.pod.address(port)
	s.mu.Unlock()
	u := url.URL{Scheme: "http", Host: address}
	return prober{client: s.client, probe: probe, address: address, url: u.String() + "/" + strings.TrimPrefix(probe.Path, "/")}
}

// logMessage returns the message of a log line: for JSON msg, and error if there is one.
func logMessage(text string) string {
	var line struct{ Msg, Error string }
	if json.Unmarshal([]byte(text), &line) != nil || line.Msg == "" {
		return text
	}
	if line.Error != "" {
		return line.Msg + ": " + line.Error
	}
	return line.Msg
}

// portTaken reports whether a line states that a port to listen on is in use.
func portTaken(line string) bool {
	return strings.Contains(line, "address already in use") || // Linux, macOS
		strings.Contains(line, "Only one usage of each socket address") // Windows
}
