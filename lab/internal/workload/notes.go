package workload

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/child"
	"github.com/hopline/hopline/lab/overlay"
)

// Notes returns what of the manifests is different here, one line for each thing: a replaced command, rewritten ports, a container that does not
// run.
func (p Programs) Notes(o *overlay.Overlay) (lines []string) {
	for _, d := range o.Deployments {
		if d.Pod.Played {
			continue
		}
		sp := newSpec(o, d, p.orBuilt, o.Report())
		for _, name := range sp.skipped {
			lines = append(lines, fmt.Sprintf("%s: init container %s does not run: its image has no program", d, name))
		}
		for _, c := range slices.Concat(sp.init, sp.containers) {
			lines = append(lines, c.notes(&sp)...)
		}
	}
	return lines
}

// notes returns the lines on one container.
func (c *containerSpec) notes(sp *spec) (lines []string) {
	of := fmt.Sprintf("%s, container %s: ", sp.object, c.Name)
	if given := c.program.given; given != nil && len(c.Command) > 0 && base(c.Command[0]) != base(c.program.file) {
		lines = append(lines, fmt.Sprintf("%scommand %s is replaced by %s", of, c.Command[0], c.program.file))
	}
	if _, mounted := (localPaths{mounts: c.Mounts}).of(c.WorkingDir); c.WorkingDir != "" && !mounted {
		where := "that of the programs"
		if c.program.given != nil {
			where = "that of hopline up"
		}
		lines = append(lines, fmt.Sprintf("%sworkingDir %s is a directory of the image: the program runs in %s", of, c.WorkingDir, where))
	}
	if where := c.portsRewritten(sp); where != nil {
		lines = append(lines, of+"ports of the pod become ports of this machine in "+strings.Join(where, ", "))
	}
	for _, m := range c.Mounts {
		lines = append(lines, of+c.mountNote(sp, m))
	}
	return lines
}

// mountNote returns where a process finds a mount.
func (c *containerSpec) mountNote(sp *spec, m overlay.Mount) string {
	l := localPaths{mounts: []overlay.Mount{m}}
	where := c.rewritten(sp, l.word, func(_, value string) string {
		value, _ = l.of(value)
		return value
	})
	if _, ok := l.of(c.WorkingDir); ok {
		where = append(where, "workingDir")
	}
	at := fmt.Sprintf("%s is $%s/%s", m.Path, podDir, path.Join(m.Volume, m.SubPath))
	if where == nil {
		return at + ", which no argument and no variable begins with: the program finds it only by " + podDir
	}
	return at + " in " + strings.Join(where, ", ")
}

// written returns the words of the manifest's command line and of its exec probes.
func (c *containerSpec) written(env variables) (words []string) {
	for _, word := range c.words() {
		words = append(words, overlay.Expand(word, env.values))
	}
	for _, probe := range []*overlay.Probe{c.Startup, c.Readiness, c.Liveness} {
		if probe != nil && probe.Exec != nil {
			words = append(words, probe.Exec[1:]...)
		}
	}
	return words
}

func base(file string) string {
	return strings.TrimSuffix(path.Base(filepath.ToSlash(file)), child.Suffix)
}

// portsRewritten returns the variables and the words of a container in which ports are rewritten.
func (c *containerSpec) portsRewritten(sp *spec) (where []string) {
	l := localPorts{host: "127.0.0.1", ports: map[int]int{}}
	for _, other := range sp.containers {
		for _, port := range slices.Concat(other.listens...) {
			l.ports[port] = lastPort + 1 // as if the lab had given it this one
		}
	}
	if c.program.given != nil {
		l.own = c.listens
	}
	return c.rewritten(sp, l.word, func(name, value string) string {
		if name == "PORT" || name == "ADMIN_PORT" {
			return value
		}
		return l.variable(name, value)
	})
}

// rewritten returns the variables and the words of a container's manifest that are not the same on this machine.
func (c *containerSpec) rewritten(sp *spec, word func(string) string, variable func(name, value string) string) (where []string) {
	env := manifest(sp.object, c.Container, sp.object.Name)
	for _, name := range env.order {
		if variable(name, env.values[name]) != env.values[name] {
			where = append(where, "env "+name)
		}
	}
	for _, text := range c.written(env) {
		if word(text) != text {
			where = append(where, fmt.Sprintf("the argument %q", text))
		}
	}
	return where
}
