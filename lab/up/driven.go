package up

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/hopline/hopline/lab/console"
	"github.com/hopline/hopline/lab/drive"
	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/traffic"
)

// driven implements drive.Lab: what the temporary changes do to the lab.
type driven struct{ lab *lab }

func (d driven) Load(dir string) (*overlay.Overlay, *mesh.Table, error) {
	e, err := d.lab.read(d.lab.running, dir)
	if err != nil {
		return nil, nil, current.CannotRun(bundle.Shown(d.lab.nameOf(dir)), err)
	}
	return e.overlay, e.table, nil
}

func (d driven) Apply(o *overlay.Overlay, table *mesh.Table) error {
	return d.lab.apply(edition{o, table, d.lab.programs()})
}

// Switch starts the workloads of the other overlay beside those that run, waits until they are ready, routes requests to them, and then ends
// the workloads that the other overlay does not have.
func (d driven) Switch(o *overlay.Overlay, table *mesh.Table) error {
	l := d.lab
	before := l.active
	if _, err := table.EntryGateway(); err != nil {
		return err
	}
	if _, err := l.workloads.Add(o); err != nil { // apply ends those that o does not have
		return err
	}
	err := l.becomeReady(o)
	if err == nil {
		l.proxy.Swap(table)
		l.setProblems(nil)
		err = l.apply(edition{o, table, l.programs()})
	}
	if err != nil {
		l.proxy.Swap(before.table)
		return errors.Join(err, l.workloads.Apply(before.overlay))
	}
	l.rewatch(o)
	return nil
}

func (d driven) Pods() []workload.Status { return d.lab.workloads.Status() }
func (d driven) Kill(pod string) error   { return d.lab.workloads.Kill(pod) }
func (d driven) Drain(pod string) error  { return d.lab.workloads.Drain(pod) }
func (d driven) Readmit(pod string)      { d.lab.proxy.Readmit(pod) }

// Done prints what was done with a change, and marks it in the figures over time.
func (d driven) Done(c *drive.Change, text string) {
	kind, service := traffic.Changed, ""
	if c.Kind == drive.Faults || c.Kind == drive.Heal {
		kind = traffic.FaultSet
	}
	for _, p := range d.lab.workloads.Status() {
		if c.Workload != "" && p.Deployment == c.Workload {
			service = p.Labels["app"]
		}
	}
	d.lab.traffic.Series().Mark(kind, service, text)
	d.lab.terminal.say("%s", text)
	d.lab.console.Changed()
}

// rewatch watches the files of an overlay, valid or broken, unless another overlay has become active since it was read.
func (l *lab) rewatch(o *overlay.Overlay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.Dir != l.active.overlay.Dir {
		return
	}
	if err := l.watcher.Watch(o.Sums()); err != nil {
		l.terminal.warn("watching the overlay's files: %v", err)
	}
}

// becomeReady waits until the workloads of an overlay are ready, but not longer than at the start.
func (l *lab) becomeReady(o *overlay.Overlay) error {
	return l.within(startTimeout, func() []string {
		var waits []string
		for _, d := range l.workloads.Deployments() {
			of := func(own overlay.Deployment) bool { return own.Namespace+"/"+own.Name == d.Name }
			if !d.Done() && slices.ContainsFunc(o.Deployments, of) {
				waits = append(waits, d.Name+": "+stateOf(d, l.workloads.Status()))
			}
		}
		return waits
	})
}

// within waits until there is nothing left to wait for. The error names what is left when the time is over.
func (l *lab) within(limit time.Duration, left func() []string) error {
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		waits := left()
		if len(waits) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-timeout.C:
			return fmt.Errorf("after %.0f s not every workload is ready: %v", limit.Seconds(), waits)
		case <-l.running.Done():
			return context.Cause(l.running)
		}
	}
}

// nameOf returns the name under which an overlay is shown: as the user named the one that the lab was started with, and others beside it.
func (l *lab) nameOf(dir string) string {
	switch {
	case dir == l.dir || dir == "":
		return l.options.Overlay
	case l.options.Anybody == nil && filepath.Dir(dir) == filepath.Dir(l.dir) && filepath.Base(l.options.Overlay) == filepath.Base(l.dir):
		return filepath.Join(filepath.Dir(l.options.Overlay), filepath.Base(dir))
	}
	return bundle.FromHere(dir)
}

// setProblems sets why the newest edit does not run.
func (l *lab) setProblems(problems []overlay.Problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.edition.Problems = problems
}

// driving returns who may drive the lab: this machine, if nobody else reaches the console, or else only with --allow-driving.
func (l *lab) driving() console.Driving {
	d := console.Driving{Changes: l.drive, Lessons: l.guide, Token: current.NewToken(), Remote: l.options.AllowDriving}
	address := l.listeners.console.Addr().(*net.TCPAddr)
	if !address.IP.IsLoopback() && !l.options.AllowDriving {
		d.Off = fmt.Sprintf("the lab listens on %s, where others reach it: it can be changed only with --allow-driving", l.options.Host)
	}
	return d
}

// writeToken writes the token for hopline in the terminal. remove removes it.
func (l *lab) writeToken(d console.Driving) (remove func()) {
	if d.Off != "" {
		return func() {}
	}
	remove, err := current.WriteToken(l.listeners.console.Addr().(*net.TCPAddr).Port, d.Token)
	if err != nil {
		l.terminal.warn("hopline drive cannot be used: %v", err)
		return func() {}
	}
	return remove
}
