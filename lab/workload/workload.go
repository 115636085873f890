// Package workload runs a Deployment's replicas as supervised processes, as the kubelet and the deployment controller run its pods: probes,
// restarts with back-off, rolling updates, and an end in order. It tells the mesh which pods there are and which are ready.
package workload

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// Options is what a Supervisor needs to know of the lab around it.
type Options struct {
	Bin    string // directory of the programs, one for each image name
	Host   string // address that the processes listen on, "127.0.0.1"
	Zipkin string // where they send their spans: http://127.0.0.1:9411/api/v2/spans,
	OTLP   string // or, where the manifest says OTEL_TRACES_EXPORTER=otlp: http://127.0.0.1:4318
	UI     string // template of a link to a trace, with {traceID}

	// Proxy is the HTTP_PROXY of a pod, with the credentials that say who calls.
	Proxy func(pod *mesh.Pod) string

	// Pods is told of all pods whenever one comes, goes, or changes its readiness, before anything else happens to that pod: one that is to
	// end has left the ready ones before its process hears of it. It is called one call at a time, in order.
	Pods func([]mesh.Pod)
	// Changed is told of each change of a pod's status, Line of each line of output. Both may be nil. Like Pods they are to return soon and
	// not to call the Supervisor.
	Changed func(Status)
	Line    func(Line)
}

// Supervisor keeps running what was applied last. Its methods may be called from any goroutine.
type Supervisor struct {
	options    Options
	ports      *portPool
	killOnExit *killOnExit
	logs       *Logs
	client     *http.Client

	closing chan struct{} // closed: preStop is skipped
	kill    chan struct{} // closed: everything is killed
	pods    sync.WaitGroup

	mu          sync.Mutex // held while Pods and Changed are called, which keeps them in order
	deployments map[string]*deployment
	made        int // pods so far
	closed      bool
	killed      bool
}

// New makes a Supervisor that runs nothing yet. It is to be closed.
func New(o Options) (*Supervisor, error) {
	kill, err := newKillOnExit()
	if err != nil {
		return nil, err
	}
	return &Supervisor{
		options: o, ports: newPortPool(o.Host), killOnExit: kill, logs: newLogs(), client: newProbeClient(),
		closing: make(chan struct{}), kill: make(chan struct{}), deployments: map[string]*deployment{},
	}, nil
}

// Logs is what the processes wrote last.
func (s *Supervisor) Logs() *Logs { return s.logs }

// Apply makes the Deployments of an overlay what is to run, and returns at once: new ones start, changed ones begin their rolling update,
// those not in it any more end. An error, an *overlay.Report that lists all that is wrong, changes nothing.
func (s *Supervisor) Apply(o *overlay.Overlay) error {
	wanted, err := s.specs(o)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	for name, spec := range wanted {
		if s.deployments[name] == nil {
			s.deployments[name] = &deployment{}
		}
		s.deployments[name].spec = spec
	}
	for name, d := range s.deployments {
		if _, ok := wanted[name]; !ok {
			d.spec.rollout = rollout{}
			d.gone = true
		} else {
			d.gone = false
		}
	}
	s.settle()
	return nil
}

// Status lists all pods, by name.
func (s *Supervisor) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Status
	for _, d := range s.deployments {
		for _, p := range d.pods {
			list = append(list, p.status(d))
		}
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Deployments lists all that are wanted, by name.
func (s *Supervisor) Deployments() []Deployment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Deployment
	for _, d := range s.deployments {
		if d.gone {
			continue
		}
		status := Deployment{Name: d.spec.name, Replicas: d.spec.rollout.replicas}
		for _, p := range d.pods {
			if p.ready {
				status.Ready++
				if p.hash == d.spec.hash {
					status.Current++
				}
			}
		}
		list = append(list, status)
	}
	slices.SortFunc(list, func(a, b Deployment) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Close ends all processes in order, each within its grace, without preStop; when ctx ends, at once. It returns when none is left.
func (s *Supervisor) Close(ctx context.Context) {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
		for _, d := range s.deployments {
			d.gone, d.spec.rollout = true, rollout{}
		}
		s.settle()
	}
	s.mu.Unlock()

	stop := context.AfterFunc(ctx, s.killAll)
	defer stop()
	s.pods.Wait()
	s.killOnExit.close()
}

// killAll ends all processes at once.
func (s *Supervisor) killAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.killed {
		s.killed = true
		close(s.kill)
	}
}

// settle takes the steps that lead from the pods there are to those that are wanted. To be called with mu held.
func (s *Supervisor) settle() {
	var started, stopped []*pod
	for name, d := range s.deployments {
		for {
			add, stop := d.plan()
			if add == 0 && len(stop) == 0 {
				break
			}
			for range add {
				s.made++
				p := newPod(d.spec, s.made)
				if err := s.takePorts(p); err != nil {
					p.reason = err.Error()
				}
				d.pods = append(d.pods, p)
				started = append(started, p)
			}
			for _, p := range stop {
				p.stopping, p.ready, p.state = true, false, Stopping
				stopped = append(stopped, p)
			}
		}
		if d.gone && len(d.pods) == 0 {
			delete(s.deployments, name)
		}
	}
	if len(started)+len(stopped) == 0 {
		return
	}
	s.publish()
	slices.SortFunc(started, func(a, b *pod) int { return strings.Compare(a.name, b.name) })
	for _, p := range append(started, stopped...) {
		s.changed(p)
	}
	for _, p := range started {
		s.pods.Add(1)
		go s.run(p)
	}
	for _, p := range stopped {
		close(p.stop)
	}
}

// publish tells the mesh of all pods. To be called with mu held.
func (s *Supervisor) publish() {
	var pods []mesh.Pod
	for _, d := range s.deployments {
		for _, p := range d.pods {
			pods = append(pods, p.mesh())
		}
	}
	slices.SortFunc(pods, func(a, b mesh.Pod) int { return strings.Compare(a.Name, b.Name) })
	s.options.Pods(pods)
}

func (s *Supervisor) changed(p *pod) {
	if s.options.Changed != nil {
		s.options.Changed(p.status(s.deployments[p.spec.name]))
	}
}

// update changes what is known of a pod and does what follows from it: tells the mesh, tells Changed, goes on with a rolling update.
func (s *Supervisor) update(p *pod, change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ready := p.ready
	change()
	if p.stopping {
		p.ready, p.state = false, Stopping
	}
	if p.ready != ready {
		s.publish()
	}
	s.changed(p)
	if p.ready != ready {
		s.settle()
	}
}

// ended removes a pod whose process has ended for good.
func (s *Supervisor) ended(p *pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.deployments[p.spec.name]
	p.state, p.ready, p.process = Ended, false, nil
	d.pods = slices.DeleteFunc(d.pods, func(other *pod) bool { return other == p })
	s.publish()
	s.changed(p)
	s.settle()
	for _, port := range p.ports {
		s.ports.give(port)
	}
	s.logs.end(p.name)
}
