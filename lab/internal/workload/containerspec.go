package workload

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
)

// The container ports that a service listens on unless its manifest sets others.
const (
	defaultPort  = 8080
	defaultAdmin = 8081
)

// containerSpec is a container, decoded once.
type containerSpec struct {
	overlay.Container
	path    string // of its manifest: spec.template.spec.containers[0]
	init    bool
	program program

	listens     [][]int // container ports; those of one list are served by one listener
	port, admin int     // container ports that PORT and ADMIN_PORT set; 0: none
}

// newContainerSpec decodes a container, without its ports. It returns the error of find.
func newContainerSpec(d overlay.Deployment, c overlay.Container, at string, find func(image string) (program, error), fail func(path string, err error)) (containerSpec, error) {
	one := containerSpec{Container: c, path: at}
	var err error
	if one.program, err = find(c.Image); err != nil {
		return one, err
	}
	if given := one.program.given; given != nil {
		_, err := given.arguments(manifest(d, c, d.Name).values)
		fail(at+".image", err)
	} else if len(c.Command) > 0 && path.Base(c.Command[0]) != ImageProgram(c.Image) {
		fail(at+".command[0]", fmt.Errorf("want %s, the program of the image, got %q: the lab runs another one only with --program %s=COMMAND",
			ImageProgram(c.Image), c.Command[0], ImageProgram(c.Image)))
	}
	return one, nil
}

// listen decodes the container ports on which the process listens. A program of the suite, or of its kind, listens on PORT and ADMIN_PORT.
// Its first listener serves more ports.
func (c *containerSpec) listen(d overlay.Deployment, also []int, fail func(path string, err error)) {
	env := manifest(d, c.Container, d.Name)
	if c.program.given != nil {
		c.listenAsListed(env)
		c.assumeReadiness()
		return
	}
	var err error
	c.port, err = containerPort(env, "PORT", defaultPort)
	fail(c.path+".env", err)
	c.admin, err = containerPort(env, "ADMIN_PORT", defaultAdmin)
	fail(c.path+".env", err)
	c.listens = [][]int{append([]int{c.port}, also...), {c.admin}}
}

// listenAsListed makes a given program listen on the ports that its manifest lists, and on those of PORT and ADMIN_PORT. Without PORT in the
// manifest, the first port is that of PORT.
func (c *containerSpec) listenAsListed(env variables) {
	for _, p := range c.Ports {
		c.listens = append(c.listens, []int{p.Number})
	}
	for name, number := range map[string]*int{"PORT": &c.port, "ADMIN_PORT": &c.admin} {
		port, err := containerPort(env, name, 0)
		if err != nil || port == 0 {
			continue // PORT may have any meaning for a given program
		}
		*number = port
		if !slices.ContainsFunc(c.listens, func(listens []int) bool { return listens[0] == port }) {
			c.listens = append(c.listens, []int{port})
		}
	}
	if _, set := env.values["PORT"]; !set && len(c.Ports) > 0 {
		c.port = c.Ports[0].Number
	}
}

// assumeReadiness gives a program that listens and has no readiness probe one that connects to its first port. Without it the pod would be
// ready before its process listens, and requests would fail.
func (c *containerSpec) assumeReadiness() {
	if c.Readiness == nil && len(c.Ports) > 0 {
		c.Readiness = overlay.NewProbe(c.Ports[0].Number, "")
	}
}

// checkProbes reports probes of ports on which the process does not listen, and of commands that are not on this machine.
func (c *containerSpec) checkProbes(fail func(path string, err error)) {
	for name, probe := range map[string]*overlay.Probe{"startupProbe": c.Startup, "readinessProbe": c.Readiness, "livenessProbe": c.Liveness} {
		switch {
		case probe == nil:
		case probe.Exec != nil:
			_, err := c.probeFile(probe)
			fail(c.path+"."+name+".exec.command[0]", err)
		default:
			_, err := c.probed(probe)
			fail(c.path+"."+name, err)
		}
	}
}

// probeFile returns the absolute path of the program of an exec probe: that of the container if it has the same name, or else one of this
// machine.
func (c *containerSpec) probeFile(probe *overlay.Probe) (string, error) {
	name := probe.Exec[0]
	if c.program.file != "" && path.Base(filepath.ToSlash(c.program.file)) == path.Base(name) {
		return c.program.file, nil
	}
	file, err := lookUp(name)
	if err != nil {
		return "", fmt.Errorf("want a program of this machine: %w", err)
	}
	return file, nil
}

// probed returns the container port to which a probe connects.
func (c *containerSpec) probed(probe *overlay.Probe) (int, error) {
	names := map[string]int{}
	var list []string
	for _, p := range c.Ports {
		names[p.Name] = p.Number
		list = append(list, p.Name)
	}
	number, named := names[probe.Port]
	if !named {
		var err error
		if number, err = strconv.Atoi(probe.Port); err != nil {
			slices.Sort(list)
			return 0, fmt.Errorf("port %q: the container has no port of this name; it has %s", probe.Port, strings.Join(list, ", "))
		}
	}
	switch {
	case slices.Contains(slices.Concat(c.listens...), number):
		return number, nil
	case c.program.given != nil:
		return 0, fmt.Errorf("port %q: the container does not list it", probe.Port)
	}
	return 0, fmt.Errorf("port %q: the process listens only on %d (PORT) and %d (ADMIN_PORT)", probe.Port, c.port, c.admin)
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
