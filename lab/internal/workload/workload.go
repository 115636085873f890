package workload

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/hopline/hopline/lab/internal/child"
	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// Options holds what a Supervisor needs from the lab around it.
type Options struct {
	Programs Programs
	Host     string // address on which the processes listen, "127.0.0.1"
	Zipkin   string // Zipkin endpoint for their spans: http://127.0.0.1:9411/api/v2/spans,
	OTLP     string // or, if the manifest sets OTEL_TRACES_EXPORTER=otlp, the OTLP endpoint: http://127.0.0.1:4318
	UI       string // template of a link to a trace, with {traceID}

	// Proxy returns the HTTP_PROXY of a pod, with the credentials that identify the caller.
	Proxy func(pod *mesh.Pod) string

	// Pods is called with all pods whenever a pod is added, is removed, or changes its readiness, before anything else happens to that pod:
	// a pod that is to be stopped is not ready any more before its process receives a signal. Calls do not overlap and are in order.
	Pods func([]mesh.Pod)
	// Changed is called for each change of a pod's status, Line for each line of output. Both may be nil. Like Pods they must return
	// quickly and must not call the Supervisor.
	Changed func(Status)
	Line    func(podlog.Line)
	// Restart is called whenever a process has ended and is to be restarted. It may be nil. The rules of Changed apply to it too.
	Restart func(Restart)
}

// Supervisor keeps the Deployments that were applied last running. Its methods are safe for concurrent use.
type Supervisor struct {
	options  Options
	ports    *portPool
	children *child.Group
	logs     *podlog.Logs
	client   *http.Client

	closing chan struct{} // closed by Close: preStop is skipped
	kill    chan struct{} // closed by killAll: all processes are killed
	pods    sync.WaitGroup

	mu          sync.Mutex // held while Pods and Changed are called, which keeps the calls in order
	deployments map[string]*deployment
	made        int    // number of pods created so far
	volumes     string // directory of the pods' volumes; "" before the first
	closed      bool
	killed      bool
}

// New returns a Supervisor that runs nothing yet. The caller must close it.
func New(o Options) (*Supervisor, error) {
	children, err := child.NewGroup()
	if err != nil {
		return nil, err
	}
	return &Supervisor{
		options: o, ports: newPortPool(o.Host), children: children, logs: podlog.New(), client: newProbeClient(),
		closing: make(chan struct{}), kill: make(chan struct{}), deployments: map[string]*deployment{},
	}, nil
}

// Logs returns the last output of the processes.
func (s *Supervisor) Logs() *podlog.Logs { return s.logs }

// Apply starts the change to the Deployments of an overlay and returns immediately: new ones start, changed ones begin their rolling
// update, and those that are not in it any more end. An error is an *overlay.Report with all problems, and changes nothing.
func (s *Supervisor) Apply(o *overlay.Overlay) error {
	endOthers, err := s.Add(o)
	if err == nil {
		endOthers()
	}
	return err
}

// Add does what Apply does, but ends nothing: that is left to endOthers, for the time when no rule routes requests to the others any more.
func (s *Supervisor) Add(o *overlay.Overlay) (endOthers func(), err error) {
	wanted, err := s.specs(o)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return func() {}, nil
	}
	for name, spec := range wanted {
		if s.deployments[name] == nil {
			s.deployments[name] = &deployment{}
		}
		s.deployments[name].spec, s.deployments[name].gone = spec, false
	}
	s.settle()
	return func() { s.endOthers(wanted) }, nil
}

// endOthers ends the Deployments that are not wanted any more.
func (s *Supervisor) endOthers(wanted map[string]spec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for name, d := range s.deployments {
		if _, ok := wanted[name]; !ok {
			d.spec.rollout, d.gone = rollout{}, true
		}
	}
	s.settle()
}

// Status lists all pods, sorted by name.
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

// Deployments lists all wanted Deployments, sorted by name.
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
			if p.ready() {
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

// Close stops all processes in order, each within its grace period and without preStop. When ctx ends it kills them immediately. It returns
// when no process is left.
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
	s.children.Close()
	if s.volumes != "" { // no pod is left to make it
		_ = os.RemoveAll(s.volumes)
	}
}

// killAll kills all processes immediately.
func (s *Supervisor) killAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.killed {
		s.killed = true
		close(s.kill)
	}
}

// settle starts and stops pods until they match the wanted Deployments. It stops the given pods as well. The caller holds mu.
func (s *Supervisor) settle(also ...*pod) {
	var started, stopped []*pod
	for _, p := range also {
		stopped = append(stopped, p.toStop())
	}
	for name, d := range s.deployments {
		for {
			add, stop := d.plan()
			if add == 0 && len(stop) == 0 {
				break
			}
			for range add {
				s.made++
				p := newPod(d.spec, s.made)
				if err := s.takePorts(p, p.containers...); err != nil {
					p.problem = err.Error()
				}
				d.pods = append(d.pods, p)
				started = append(started, p)
			}
			for _, p := range stop {
				stopped = append(stopped, p.toStop())
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

// publish sends all pods to the mesh. The caller holds mu.
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

// update changes a container's state, publishes its pod, reports it to Changed, and continues a rolling update.
func (s *Supervisor) update(c *container, change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := c.pod
	ready := p.ready()
	change()
	if p.ready() != ready {
		s.publish()
	}
	s.changed(p)
	if p.ready() != ready {
		s.settle()
	}
}

// ended removes a pod whose processes have ended and are not restarted.
func (s *Supervisor) ended(p *pod) {
	s.removeVolumes(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.deployments[p.spec.name]
	p.over = true
	d.pods = slices.DeleteFunc(d.pods, func(other *pod) bool { return other == p })
	s.publish()
	s.changed(p)
	s.settle()
	s.givePorts(p, p.containers...)
	s.logs.End(p.name)
}
