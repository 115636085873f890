package up

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/workload"
)

// edition is one state of the overlay directory that can run.
type edition struct {
	overlay *overlay.Overlay
	table   *mesh.Table
}

// load renders the overlay and compiles its rules. The overlay is never nil; with an error it tells the files to watch.
func load(dir string) (edition, error) {
	o, table, err := mesh.Load(dir)
	return edition{o, table}, err
}

// orCancel loads, but waits no longer than until ctx ends: kustomize cannot be interrupted, and takes seconds for an overlay of thousands of objects.
// What it makes after that is nobody's.
func orCancel(ctx context.Context, load func() (edition, error)) (edition, error) {
	type loaded struct {
		edition
		err error
	}
	done := make(chan loaded, 1)
	go func() {
		e, err := load()
		done <- loaded{e, err}
	}()
	select {
	case l := <-done:
		return l.edition, l.err
	case <-ctx.Done():
		return edition{}, ctx.Err()
	}
}

// programs are the names of the programs that its images stand for.
func (e edition) programs() []string {
	var names []string
	for _, d := range e.overlay.Deployments {
		names = append(names, workload.ImageProgram(d.Pod.Container.Image))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// warnings are what is most likely a mistake or missed, and no reason not to run.
func (e edition) warnings() []string {
	var lines []string
	for _, file := range e.overlay.EmptyFiles {
		lines = append(lines, file+": holds no object, so that what was in it is gone")
	}
	return slices.Concat(lines, workload.Unlistened(e.overlay), e.table.NotCarried())
}

// notes say what of it the lab does not do.
func (e edition) notes() []string {
	var notes []string
	if line := e.overlay.NotEnforcedLine(); line != "" {
		notes = append(notes, line)
	}
	return append(notes, e.ruleNotes()...)
}

// shortNotes are the notes for a terminal: what is not enforced is counted there, and listed by the console.
func (e edition) shortNotes() []string {
	var notes []string
	if objects, fields := len(e.overlay.NotEnforced), len(e.overlay.NotEnforcedFields); objects+fields > 0 {
		notes = append(notes, fmt.Sprintf("Accepted but not enforced: %d objects and %d fields; the console lists them.", objects, fields))
	}
	return append(notes, e.ruleNotes()...)
}

// ruleNotes name what sidecars were decided by that the overlay does not say, the rules that nothing reaches, and the ports of the ingress gateway that the lab does not open.
func (e edition) ruleNotes() []string {
	var notes []string
	if fields := e.table.NotEnforced(); len(fields) > 0 {
		notes = append(notes, "accepted but not enforced: "+strings.Join(fields, ", "))
	}
	if line := e.table.Assumed(); line != "" {
		notes = append(notes, line)
	}
	for _, u := range e.table.Unreached() {
		notes = append(notes, u.String())
	}
	gateway := mesh.IngressGateway()
	for _, port := range e.table.GatewayPorts(&gateway) {
		if port != gatewayPort {
			notes = append(notes, fmt.Sprintf("of the ingress gateway the lab opens port %d alone: nothing reaches port %d of its Gateway", gatewayPort, port))
		}
	}
	return notes
}

// problemsOf are the single problems of an error of load or of Supervisor.Apply.
func problemsOf(err error) []overlay.Problem {
	var report *overlay.Report
	if errors.As(err, &report) {
		return report.Problems
	}
	return []overlay.Problem{{Reason: err.Error()}}
}

// cannotRun says in words why an overlay does not run, a line for each reason.
func cannotRun(dir string, err error) string {
	lines := []string{dir + " cannot run:"}
	for _, line := range strings.Split(err.Error(), "\n") {
		lines = append(lines, "  "+line)
	}
	return strings.Join(lines, "\n")
}
