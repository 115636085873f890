package up

import (
	"bytes"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/input"
)

// Anybody selects files of any project, which the lab runs with stand-ins.
type Anybody struct {
	Inputs []string  // files, directories, or "-"; see overlay.Read
	Stdin  io.Reader // for "-"

	text []byte // of Stdin, for every load
}

// maxStdin bounds the size of standard input in bytes.
const maxStdin = 256 << 20

// readStdin reads standard input if it is one of the inputs.
func (a *Anybody) readStdin() (err error) {
	if a == nil || !slices.Contains(a.Inputs, "-") {
		return nil
	}
	a.text, err = input.Read("-", a.Stdin, maxStdin)
	return err
}

func (a *Anybody) stdin() io.Reader { return bytes.NewReader(a.text) }

// home returns the path that identifies what the lab was started with: the overlay's directory, or the first of the inputs.
func (o Options) home() string {
	if o.Anybody != nil {
		return o.Anybody.Inputs[0]
	}
	return o.Overlay
}

// inputs returns what is read leniently for a directory: all inputs for the one that the lab was started with, and the directory itself for
// another one; nil if the lab runs overlays strictly.
func (l *lab) inputs(dir string) []string {
	switch {
	case l.options.Anybody == nil:
		return nil
	case dir != l.dir:
		return []string{dir}
	}
	return l.options.Anybody.Inputs
}

// absolute returns the inputs as other programs of this machine can open them.
func absolute(inputs []string) []string {
	out := slices.Clone(inputs)
	for i, name := range out {
		if path, err := filepath.Abs(name); err == nil && name != "-" {
			out[i] = path
		}
	}
	return out
}

// playedNotes returns which workloads stand-ins play, what was left out for them, and what was assumed; nothing for an overlay.
func (e edition) playedNotes() []string {
	if e.overlay.Lenience == nil {
		return nil
	}
	var names []string
	for _, d := range e.overlay.Deployments {
		if d.Pod.Played {
			names = append(names, d.Namespace+"/"+d.Name)
		}
	}
	slices.Sort(names)
	var notes []string
	if len(names) > 0 {
		notes = append(notes, "played by stand-ins, whose own probe replaces those of the pod: "+strings.Join(names, ", "))
	}
	if line := e.overlay.Lenience.LeftOut; line != "" {
		notes = append(notes, line)
	}
	if ports := e.table.HTTP2Ports(); len(ports) > 0 {
		notes = append(notes, "ports of HTTP/2 and gRPC get HTTP/1.1 requests, which the stand-ins speak: "+strings.Join(ports, ", "))
	}
	for _, m := range e.overlay.Lenience.NotServed {
		notes = append(notes, "not served: "+m.String()+": requests from outside enter at Istio's Gateways only")
	}
	for _, line := range e.overlay.Lenience.Assumed {
		notes = append(notes, "assumed: "+line)
	}
	return notes
}

// doubts returns the references to what the overlay does not have, and the conditions of routes that are not true, of an overlay that is read
// leniently.
func (e edition) doubts() (lines []string) {
	if e.overlay.Lenience == nil {
		return nil
	}
	for _, p := range e.overlay.Lenience.Doubts {
		lines = append(lines, p.Error()+"; requests get 503")
	}
	for _, c := range e.table.Conditions() {
		if !c.True {
			lines = append(lines, c.String())
		}
	}
	return lines
}
