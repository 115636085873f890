package workload

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// spec is a Deployment, decoded once.
type spec struct {
	name       string // namespace/name
	hash       string
	rollout    rollout
	object     overlay.Deployment
	source     mesh.Source
	names      map[string]int  // container ports by name
	init       []containerSpec // each runs to its end before the next
	containers []containerSpec // side by side; at least one
	skipped    []string        // names of init containers that have no program, beside stand-ins
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
			members = append(members, member{current: p.hash == d.spec.hash, ready: p.ready(), age: -p.number})
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
// before they exist: they can be built.
func Check(programs Programs) overlay.Check {
	return func(o *overlay.Overlay, report *overlay.Report) {
		for _, object := range o.Deployments {
			newSpec(o, object, programs.orBuilt, report)
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

// newSpec decodes one Deployment and adds its problems to the report. find returns the program for an image.
func newSpec(o *overlay.Overlay, object overlay.Deployment, find func(image string) (program, error), report *overlay.Report) spec {
	fail := func(path string, err error) {
		if err != nil {
			report.Add(object.String(), path, "%v", err)
		}
	}
	sp := spec{name: object.Namespace + "/" + object.Name, names: map[string]int{}}
	sp.source = mesh.SourceOf(o, object)
	var err error
	if object.Pod.Played {
		var also []int
		object, also, err = standIn(o, object)
		fail(upstreamsPath, err)
		sp.object = object
		sp.containers = []containerSpec{sp.container(0, object.Pod.Containers[0], find, also, fail)}
	} else {
		sp.object = object
		sp.decode(o, find, fail)
	}
	sp.hash = templateHash(sp.object.Pod)
	sp.rollout, err = newRollout(object.Replicas, object.MaxSurge, object.MaxUnavailable)
	fail("spec.strategy.rollingUpdate", err)
	for _, c := range sp.containers {
		for _, port := range c.Ports {
			sp.names[port.Name] = port.Number
		}
	}
	sp.checkListeners(fail)
	return sp
}

// decode decodes the containers of a Deployment that is not played. Beside stand-ins, one plays each container that has no program, and init
// containers without a program are skipped.
func (sp *spec) decode(o *overlay.Overlay, find func(image string) (program, error), fail func(path string, err error)) {
	containers := slices.Clone(sp.object.Pod.Containers)
	sp.object.Pod.Containers = containers
	sp.containers = make([]containerSpec, len(containers))
	var taken []int // container ports
	for _, p := range sp.object.Pod.Ports() {
		taken = append(taken, p.Number)
	}
	var played []int // indices; stand-ins listen on ports that no program has
	for i, c := range containers {
		if _, err := find(c.Image); err != nil && o.Lenience != nil {
			played = append(played, i)
			continue
		}
		sp.containers[i] = sp.container(i, c, find, nil, fail)
		taken = append(taken, slices.Concat(sp.containers[i].listens...)...)
	}
	for _, i := range played {
		var also []int
		containers[i], also = playContainer(o, sp.object, containers[i], taken)
		sp.containers[i] = sp.container(i, containers[i], find, also, fail)
		taken = append(taken, slices.Concat(sp.containers[i].listens...)...)
	}
	sp.decodeInit(o, find, fail)
}

// decodeInit decodes the init containers.
func (sp *spec) decodeInit(o *overlay.Overlay, find func(image string) (program, error), fail func(path string, err error)) {
	for i, c := range sp.object.Pod.Init {
		if _, err := find(c.Image); err != nil && o.Lenience != nil {
			sp.skipped = append(sp.skipped, c.Name)
			continue
		}
		path := fmt.Sprintf("spec.template.spec.initContainers[%d]", i)
		one, err := newContainerSpec(sp.object, c, path, find, fail)
		one.init = true
		fail(path+".image", err)
		sp.init = append(sp.init, one)
	}
}

// container decodes one container. Its first listener serves more container ports.
func (sp *spec) container(index int, c overlay.Container, find func(image string) (program, error), also []int, fail func(path string, err error)) containerSpec {
	path := fmt.Sprintf("spec.template.spec.containers[%d]", index)
	one, err := newContainerSpec(sp.object, c, path, find, fail)
	fail(path+".image", err)
	one.listen(sp.object, also, fail)
	one.checkProbes(fail)
	return one
}

// checkListeners reports container ports on which two containers of a pod listen.
func (sp *spec) checkListeners(fail func(path string, err error)) {
	taken := map[int]string{}
	for _, c := range sp.containers {
		for _, port := range slices.Concat(c.listens...) {
			if other, ok := taken[port]; ok {
				fail(c.path+".ports", fmt.Errorf("container %s listens on port %d as well: only one process of a pod can; set env PORT or ADMIN_PORT of one of them", other, port))
			}
			taken[port] = c.Name
		}
	}
}

// Unlistened reports the ports of Services whose target is a container port on which no process listens. Kubernetes accepts them, and
// requests get 503.
func Unlistened(o *overlay.Overlay, programs Programs) (lines []string) {
	for _, service := range o.Services {
		for _, d := range o.Deployments {
			if d.Pod.Played || d.Namespace != service.Namespace || !istio.HasLabels(d.Pod.Labels, service.Selector) {
				continue
			}
			for i, p := range service.Ports {
				if why := unlistened(o, d, p.Target, programs); why != "" {
					lines = append(lines, fmt.Sprintf("%s: spec.ports[%d].targetPort: is port %s", service, i, why))
				}
			}
		}
	}
	return lines
}

// unlistened returns which process does not listen on a port that its container lists; "" if one does.
func unlistened(o *overlay.Overlay, d overlay.Deployment, target string, programs Programs) string {
	ignore := func(string, error) {}
	for i, c := range d.Pod.Containers {
		n, known := targetNumber(target, c.Ports)
		if _, err := programs.orBuilt(c.Image); !known || err != nil && o.Lenience != nil { // a stand-in listens on all its ports
			continue
		}
		one, _ := newContainerSpec(d, c, "", programs.orBuilt, ignore)
		bad := false
		one.listen(d, nil, func(_ string, err error) { bad = bad || err != nil })
		if !bad && !slices.Contains(slices.Concat(one.listens...), n) {
			of := d.String()
			if len(d.Pod.Containers) > 1 {
				of += ", container " + d.Pod.Containers[i].Name
			}
			return fmt.Sprintf("%d of %s, whose process listens only on %d (PORT) and %d (ADMIN_PORT); set env PORT to %d there", n, of, one.port, one.admin, n)
		}
	}
	return ""
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
