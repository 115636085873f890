package workload

import (
	"cmp"
	"os"
	"slices"

	"github.com/hopline/hopline/lab/internal/child"
	"github.com/hopline/hopline/lab/overlay"
)

// settings holds what one run of a container's process is started with.
type settings struct {
	file  string
	args  []string
	dir   string
	env   variables
	local localPorts
	paths localPaths
}

// settings returns what a container's process is started with, and a channel that is closed when that is out of date.
func (s *Supervisor) settings(c *container) (settings, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pod := c.pod.mesh()
	out := settings{file: c.spec.program.file, dir: s.options.Programs.Bin, local: localPorts{host: s.options.Host, ports: c.pod.ports}}
	out.paths = localPaths{dir: c.pod.dir, mounts: c.spec.Mounts}
	given := c.spec.program.given
	if given != nil {
		here, err := os.Getwd()
		if err != nil {
			return settings{}, nil, err
		}
		out.dir, out.local.own = here, c.spec.listens
	}
	if dir, ok := out.paths.of(c.spec.WorkingDir); ok {
		out.dir = dir
	}
	manifest := manifest(c.pod.spec.object, c.spec.Container, c.pod.name)
	for _, name := range manifest.order {
		out.env.set(name, out.variable(name, manifest.values[name]))
	}
	if c.pod.dir != "" {
		out.env.set(podDir, c.pod.dir)
	}
	out.env.own(s.options, &pod, c.spec, c.pod.ports)
	if given != nil {
		words, err := given.arguments(out.env.values)
		if err != nil {
			return settings{}, nil, err
		}
		out.args = words
	}
	for _, word := range c.spec.words() {
		out.args = append(out.args, out.word(overlay.Expand(word, manifest.values)))
	}
	return out, c.pod.moved, nil
}

// words returns the words of the manifest that follow the program: those of its command after the first, and its args.
func (c *containerSpec) words() []string {
	var rest []string
	if len(c.Command) > 0 {
		rest = c.Command[1:]
	}
	return slices.Concat(rest, c.Args)
}

// word returns a word of a command line as it is on this machine.
func (s *settings) word(text string) string {
	if here := s.paths.word(text); here != text {
		return here
	}
	return s.local.word(text)
}

// variable returns the value of a variable as it is on this machine.
func (s *settings) variable(name, value string) string {
	if here, ok := s.paths.of(value); ok {
		return here
	}
	return s.local.variable(name, value)
}

// command returns the command that starts the process.
func (s *settings) command(line func(text string)) child.Command {
	return child.Command{Path: s.file, Dir: s.dir, Args: s.args, Env: s.env.list(), Line: line}
}

// probe returns the command of an exec probe. It runs as in the container: with its environment, in its directory.
func (s *settings) probe(c *containerSpec, probe *overlay.Probe) child.Command {
	file, _ := c.probeFile(probe) // checked when the spec was decoded
	probed := child.Command{Path: cmp.Or(file, probe.Exec[0]), Dir: s.dir, Env: s.env.list()}
	for _, word := range probe.Exec[1:] { // Kubernetes expands no variables here
		probed.Args = append(probed.Args, s.word(word))
	}
	return probed
}
