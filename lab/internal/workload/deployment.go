package workload

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// The container ports that a service listens on unless its manifest sets others.
const (
	defaultPort  = 8080
	defaultAdmin = 8081
)

// spec is a Deployment, decoded once.
type spec struct {
	name      string // namespace/name
	program   string // path of the program's file
	image     string // image name: "front"
	hash      string
	rollout   rollout
	object    overlay.Deployment
	source    mesh.Source
	noSidecar bool // without a sidecar

	port, admin int            // container ports of the application and of the admin listener
	also        []int          // more container ports of the application's listener, for a stand-in
	names       map[string]int // container ports by name
}

// deployment is a Deployment with its pods, including those that are terminating.
type deployment struct {
	spec spec
	gone bool // no longer in the overlay: kept only until its last pod has ended
	pods []*pod
}

// plan returns the next step of the rollout: how many pods to add and which to stop.
func (d *deployment) plan() (add int, stop []*pod) {
	var members []member
	var pods []*pod
	for _, p := range d.pods {
		if !p.stopping {
			members = append(members, member{current: p.hash == d.spec.hash, ready: p.ready, age: -p.number})
			pods = append(pods, p)
		}
	}
	add, indices := d.spec.rollout.plan(members)
	for _, i := range indices {
		stop = append(stop, pods[i])
	}
	return add, stop
}

// Check returns a check for overlay.Load that reports what Apply does not accept with some programs. It accepts the suite's own programs
// before they are there: they can be built.
func Check(programs Programs) overlay.Check {
	find := func(image string) (string, error) {
		if isSuite(image) {
			return "", nil
		}
		return programs.find(image)
	}
	return func(o *overlay.Overlay, report *overlay.Report) {
		for _, object := range o.Deployments {
			newSpec(o, object, find, report)
		}
	}
}

// specs decodes the Deployments of an overlay, by name. The error is an *overlay.Report with all their problems.
func (s *Supervisor) specs(o *overlay.Overlay) (map[string]spec, error) {
	specs := map[string]spec{}
	report := o.Report()
	for _, object := range o.Deployments {
		spec := newSpec(o, object, s.options.Programs.find, report)
		specs[spec.name] = spec
	}
	if err := report.Err(); err != nil {
		return nil, err
	}
	return specs, nil
}

// newSpec decodes one Deployment and adds its problems to the report. find returns the file of the program for an image.
func newSpec(o *overlay.Overlay, object overlay.Deployment, find func(image string) (string, error), report *overlay.Report) spec {
	also, err := []int(nil), error(nil)
	if object.Pod.Played {
		object, also, err = standIn(o, object)
	}
	container := object.Pod.Container
	sp := spec{
		name:   object.Namespace + "/" + object.Name,
		image:  ImageProgram(container.Image),
		hash:   templateHash(object.Pod),
		object: object,
		also:   also,
		names:  map[string]int{},
	}
	sp.source, sp.noSidecar = mesh.SourceOf(o, object)
	fail := func(path string, err error) {
		if err != nil {
			report.Add(object.String(), path, "%v", err)
		}
	}
	fail(upstreamsPath, err)
	sp.program, err = find(container.Image)
	fail("spec.template.spec.containers[0].image", err)
	sp.rollout, err = newRollout(object.Replicas, object.MaxSurge, object.MaxUnavailable)
	fail("spec.strategy.rollingUpdate", err)

	env := manifest(object, object.Name)
	sp.port, err = containerPort(env, "PORT", defaultPort)
	fail("spec.template.spec.containers[0].env", err)
	sp.admin, err = containerPort(env, "ADMIN_PORT", defaultAdmin)
	fail("spec.template.spec.containers[0].env", err)
	for _, port := range container.Ports {
		sp.names[port.Name] = port.Number
	}
	for name, probe := range map[string]*overlay.Probe{
		"startupProbe": container.Startup, "readinessProbe": container.Readiness, "livenessProbe": container.Liveness,
	} {
		if probe != nil {
			_, err := sp.probed(probe)
			fail("spec.template.spec.containers[0]."+name, err)
		}
	}
	return sp
}

// Unlistened reports the ports of Services whose target is a container port on which no process listens. Kubernetes accepts them, and
// requests get 503.
func Unlistened(o *overlay.Overlay) (lines []string) {
	for _, service := range o.Services {
		for _, d := range o.Deployments {
			if d.Pod.Played || d.Namespace != service.Namespace || !istio.HasLabels(d.Pod.Labels, service.Selector) {
				continue
			}
			env := manifest(d, d.Name)
			port, portErr := containerPort(env, "PORT", defaultPort)
			admin, adminErr := containerPort(env, "ADMIN_PORT", defaultAdmin)
			for i, p := range service.Ports {
				n, known := targetNumber(p.Target, d.Pod.Container.Ports)
				if known && portErr == nil && adminErr == nil && n != port && n != admin {
					lines = append(lines, fmt.Sprintf("%s: spec.ports[%d].targetPort: is port %d of %s, whose process listens only on %d (PORT) and %d (ADMIN_PORT); set env PORT to %d there",
						service, i, n, d, port, admin, n))
				}
			}
		}
	}
	return lines
}

// targetNumber returns the container port that a targetPort refers to.
func targetNumber(target string, ports []overlay.ContainerPort) (int, bool) {
	for _, p := range ports {
		if p.Name == target || strconv.Itoa(p.Number) == target {
			return p.Number, true
		}
	}
	return 0, false
}

// probed returns the container port that a probe sends its requests to.
func (sp *spec) probed(probe *overlay.Probe) (int, error) {
	number, named := sp.names[probe.Port]
	if !named {
		var err error
		if number, err = strconv.Atoi(probe.Port); err != nil {
			return 0, fmt.Errorf("port %q: the container has no port of this name; it has %s", probe.Port, strings.Join(slices.Sorted(maps.Keys(sp.names)), ", "))
		}
	}
	if number != sp.port && number != sp.admin {
		return 0, fmt.Errorf("port %q: the process listens only on %d (PORT) and %d (ADMIN_PORT)", probe.Port, sp.port, sp.admin)
	}
	return number, nil
}

// containerPort returns the port that the manifest sets for a listener in an environment variable.
func containerPort(env variables, name string, otherwise int) (int, error) {
	text, set := env.values[name]
	if !set {
		return otherwise, nil
	}
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return 0, fmt.Errorf("%s: want a port from 1 to 65535, got %q", name, text)
	}
	return port, nil
}
