package up

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/fields"
	"github.com/hopline/hopline/lab/overlay"
)

// edition is one state of the overlay directory that can run.
type edition struct {
	overlay  *overlay.Overlay
	table    *mesh.Table
	programs workload.Programs
}

// load renders the overlay, compiles its rules, and checks that its workloads can run with the programs at hand. The overlay is never nil;
// with an error it still lists the files to watch.
func load(dir string, programs workload.Programs) (edition, error) {
	o, table, err := mesh.Load(dir, workload.Check(programs))
	return edition{o, table, programs}, err
}

// load is like the function load, for a directory of this lab or for the files that it runs with stand-ins.
func (l *lab) load(dir string) (edition, error) {
	inputs := l.inputs(dir)
	if inputs == nil {
		return load(l.nameOf(dir), l.programs())
	}
	o, table, err := mesh.LoadLenient(inputs, l.options.Anybody.stdin(), l.programs().Has, workload.Check(l.programs()))
	return edition{o, table, l.programs()}, err
}

// programs returns the programs that the lab runs in place of images.
func (l *lab) programs() workload.Programs {
	return workload.Programs{Bin: l.options.Bin, Given: l.options.Programs}
}

// needs returns the names of the programs in the directory of programs that the edition runs.
func (e edition) needs() []string { return e.programs.Needs(e.overlay) }

// orCancel calls load, but stops waiting when ctx ends: kustomize cannot be interrupted, and takes seconds for an overlay of
// thousands of objects. A result after that is discarded.
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

// warnings returns what is probably a mistake, but does not stop the overlay from running.
func (e edition) warnings() []string {
	var lines []string
	for _, file := range e.overlay.EmptyFiles {
		lines = append(lines, file+": holds no object, so the objects that were in it are removed")
	}
	lines = append(lines, e.doubts()...)
	return slices.Concat(lines, workload.Unlistened(e.overlay, e.programs), e.table.NotCarried())
}

// notes returns what of the overlay the lab does not enforce, and the notes on rules.
func (e edition) notes() []string {
	notes := append(e.playedNotes(), e.programs.Notes(e.overlay)...)
	if line := e.overlay.NotEnforcedLine(); line != "" {
		notes = append(notes, line)
	}
	return append(notes, e.ruleNotes()...)
}

// shortNotes returns the notes for a terminal, with only the number of what is not enforced; the console lists it.
func (e edition) shortNotes() []string {
	notes := append(e.playedNotes(), e.programs.Notes(e.overlay)...)
	if objects, fields := len(e.overlay.NotEnforced), len(e.overlay.NotEnforcedFields); objects+fields > 0 {
		notes = append(notes, fmt.Sprintf("Accepted but not enforced: %d objects and %d fields; the console lists them.", objects, fields))
	}
	return append(notes, e.ruleNotes()...)
}

// ruleNotes returns notes on the assumptions behind sidecar injection, on rules that no request reaches, and on ports of the ingress
// gateway that the lab does not open.
func (e edition) ruleNotes() []string {
	var notes []string
	if accepted := fields.NotEnforced(e.overlay); len(accepted) > 0 {
		notes = append(notes, "accepted but not enforced: "+strings.Join(accepted, ", "))
	}
	if line := e.table.Assumed(); line != "" {
		notes = append(notes, line)
	}
	for _, u := range e.table.Unreached() {
		notes = append(notes, u.String())
	}
	gateway, err := e.table.EntryGateway()
	if err != nil {
		return append(notes, err.Error())
	}
	for _, port := range e.table.GatewayPorts(&gateway) {
		if port != gatewayPort {
			notes = append(notes, fmt.Sprintf("the lab opens only port %d of the ingress gateway: no request reaches port %d of its Gateway", gatewayPort, port))
		}
	}
	return notes
}

// problemsOf returns the individual problems in an error of load or of Supervisor.Apply.
func problemsOf(err error) []overlay.Problem {
	var report *overlay.Report
	if errors.As(err, &report) {
		return report.Problems
	}
	return []overlay.Problem{{Reason: err.Error()}}
}
