package up

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hopline/hopline/lab/console"
	"github.com/hopline/hopline/lab/graph"
	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/overlay/snapshot"
	"github.com/hopline/hopline/lab/rules"
	"github.com/hopline/hopline/lab/send"
	"github.com/hopline/hopline/lab/traffic"
)

// startTimeout is how long the start waits for workloads that do not become ready before it prints the addresses anyway.
const startTimeout = 20 * time.Second

// apply makes an edition active: all of it, or, with an error, nothing. Workloads that the edition does not have end after the rules that
// route to them are gone, so that no request is lost.
func (l *lab) apply(e edition) error {
	if _, err := e.table.EntryGateway(); err != nil {
		return err
	}
	before := l.nodePorts.list()
	if err := l.nodePorts.set(nodePortsOf(e.overlay)); err != nil {
		return err
	}
	endOthers, err := l.workloads.Add(e.overlay)
	if err != nil {
		return errors.Join(err, l.nodePorts.set(before))
	}
	l.proxy.Swap(e.table)
	endOthers()
	l.traffic.Forget()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active = e
	l.edition = console.Edition{
		Name: l.nameOf(e.overlay.Dir), Problems: l.edition.Problems, Revision: l.edition.Revision + 1, Overlay: e.overlay, Table: e.table, Graph: graph.New(e.overlay, e.table),
		Notes: append(e.warnings(), e.notes()...), Links: l.links(e), Entries: l.entries(e),
	}
	l.console.Changed()
	return nil
}

// follow shows the progress of the start and then applies every saved change, until ctx ends or a server fails.
func (l *lab) follow(ctx context.Context, first edition, begun time.Time) error {
	page, cancel := context.WithCancel(ctx)
	var pages sync.WaitGroup
	pages.Go(func() { l.console.Run(page) })
	pages.Go(func() { l.drive.Run(page) })
	defer pages.Wait()
	defer cancel()

	l.warn(first)
	progress := newProgress(l.terminal)
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	bypass := time.NewTicker(bypassEvery)
	defer bypass.Stop()
	announced := false
	l.look()
	for {
		select {
		case <-l.changed:
			if all := progress.show(l.workloads.Deployments(), l.workloads.Status()); all && !announced {
				announced = true
				l.announce(first, time.Since(begun))
				debug.FreeOSMemory() // rendering needs much more memory than running
			}
		case <-timeout.C:
			if !announced {
				announced = true
				l.terminal.warn("after %.0f s not every workload is ready", startTimeout.Seconds())
				l.announce(first, time.Since(begun))
			}
		case <-bypass.C:
			l.warnOfBypass()
		case <-l.watcher.Changes():
			l.reload(ctx)
		case done := <-l.saved:
			l.reload(ctx)
			close(done)
		case err := <-l.servers.failed:
			return err
		case <-ctx.Done():
			l.terminal.note("stopping; a second Ctrl-C ends everything immediately")
			return nil
		}
	}
}

// watch starts to watch the files of an edition.
func (l *lab) watch(e edition) (err error) {
	if l.watcher, err = snapshot.NewWatcher(); err != nil {
		return fmt.Errorf("watching the overlay's files: %w", err)
	}
	if err := l.watcher.Watch(e.overlay.Sums()); err != nil {
		return errors.Join(fmt.Errorf("watching the overlay's files: %w", err), l.watcher.Close())
	}
	return nil
}

// read loads the overlay in a directory, watches its files if it is the active one, and builds the programs that it needs.
func (l *lab) read(ctx context.Context, dir string) (edition, error) {
	e, err := orCancel(ctx, func() (edition, error) { return l.load(dir) })
	if e.overlay != nil {
		l.rewatch(e.overlay)
	}
	if err == nil {
		err = l.builder.missing(ctx, e.needs())
	}
	return e, err
}

// reload applies what was saved. On an error it keeps the current edition and prints why.
func (l *lab) reload(ctx context.Context) {
	begun := time.Now()
	var name string
	var next edition
	before := l.rules()
	dropped, err := l.drive.Reload(func(dir string) (*overlay.Overlay, *mesh.Table, error) {
		var err error
		name = l.nameOf(dir)
		next, err = l.read(ctx, dir)
		if err == nil {
			l.setProblems(nil)
		}
		return next.overlay, next.table, err
	})
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		live, changes := saved(name, next.overlay.Files, begun, time.Now()), sharesChanged(before, l.rules())
		l.terminal.say("%s", live)
		for _, change := range changes {
			l.terminal.say("  %s", change)
		}
		l.traffic.Series().Mark(traffic.RulesSaved, "", strings.Join(append([]string{live}, changes...), "; "))
		for _, line := range dropped {
			l.terminal.warn("%s", line)
		}
		l.warn(next)
		return
	}
	l.setProblems(problemsOf(err))
	l.console.Changed()
	l.terminal.warn("%v\nThe previous state keeps running.", current.CannotRun(bundle.Shown(name), err))
}

// rules returns the active rules.
func (l *lab) rules() []mesh.Rule {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.edition.Table.Rules()
}

// warn prints the warnings of an edition that the one before did not have.
func (l *lab) warn(e edition) {
	warnings := e.warnings()
	for _, line := range warnings {
		if !slices.Contains(l.warned, line) {
			l.terminal.warn("%s", line)
		}
	}
	l.warned = warnings
}

// saved describes what is live: the file that was saved last if that was just before begun, else the overlay.
func saved(overlay string, files []string, begun, now time.Time) string {
	var newest string
	var at time.Time
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.ModTime().After(at) {
			newest, at = file, info.ModTime()
		}
	}
	if at.After(begun) || begun.Sub(at) > 2*time.Second { // a file was removed, or added with an old modification time
		return overlay + " is live in its current state"
	}
	if here, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(here, newest); err == nil && !strings.HasPrefix(short, "..") {
			newest = short
		}
	}
	return fmt.Sprintf("%s is live, %d ms after it was saved", newest, now.Sub(at).Milliseconds())
}

// restarting is called when a process has ended and is to be restarted, while the Supervisor is locked.
func (l *lab) restarting(r workload.Restart) {
	wait := "immediately"
	if d := time.Until(r.Again); d > time.Second {
		wait = fmt.Sprintf("in %.0f s", d.Seconds())
	}
	name := r.Pod
	if r.Container != "" {
		name += "/" + r.Container
	}
	l.terminal.warn("%s %s; started again %s", name, r.Reason, wait)
	l.traffic.Series().Mark(traffic.Restarted, traffic.ServiceOf(&r.Source), fmt.Sprintf("%s %s", name, r.Reason))
}

// podChanged is called for each change of a pod's status while the Supervisor is locked.
func (l *lab) podChanged(workload.Status) {
	l.look()
	l.console.Changed()
	l.drive.PodChanged()
}

// ejected prints an ejection, or its end.
func (l *lab) ejected(e proxy.Ejection, over bool) {
	service := traffic.ServiceOfCluster(e.Cluster)
	if over {
		l.terminal.note("%s: %s is back", e.Workload, e.Endpoint())
		l.traffic.Series().Mark(traffic.Returned, service, fmt.Sprintf("%s uses %s again", e.Workload, e.Endpoint()))
	} else {
		length := e.Until.Sub(e.Since).Seconds()
		l.terminal.warn("%s: ejects %s for %.0f s after %s", e.Workload, e.Endpoint(), length, e.Why)
		l.traffic.Series().Mark(traffic.Ejected, service, fmt.Sprintf("%s ejects %s for %.0f s after %s", e.Workload, e.Endpoint(), length, e.Why))
	}
	l.console.Changed()
}

// look wakes follow to check the workloads.
func (l *lab) look() {
	select {
	case l.changed <- struct{}{}:
	default: // a check is already pending
	}
}

// links returns the addresses of an edition.
func (l *lab) links(e edition) []console.Link {
	o := e.overlay
	var links []console.Link
	if o.Lenience != nil && !e.table.NoMesh() {
		links = append(links, console.Link{Name: "Ingress", URL: localURL(l.options.Host, l.listeners.ingress) + "/"})
	} else if path := pagePath(o); path != "" && o.Lenience == nil {
		links = append(links, console.Link{Name: "Page", URL: localURL(l.options.Host, l.listeners.ingress) + path})
	}
	for _, port := range nodePortsOf(o) {
		links = append(links, console.Link{Name: "Page", URL: localURL(l.options.Host, l.nodePorts.open[port]) + "/"})
	}
	return append(links,
		console.Link{Name: "Console", URL: localURL(l.options.Host, l.listeners.console) + "/"},
		console.Link{Name: "Zipkin", URL: localURL(l.options.Host, l.listeners.zipkin) + "/"},
		console.Link{Name: "OTLP", URL: localURL(l.options.Host, l.listeners.otlp) + "/"},
	)
}

// entries returns the base URLs where requests from outside enter: the ingress gateway, if the edition has a mesh, and its NodePorts.
func (l *lab) entries(e edition) (urls []string) {
	if !e.table.NoMesh() {
		urls = append(urls, localURL(l.options.Host, l.listeners.ingress))
	}
	for _, port := range nodePortsOf(e.overlay) {
		urls = append(urls, localURL(l.options.Host, l.nodePorts.open[port]))
	}
	return urls
}

// source implements the console's view of the lab.
type source struct{ lab *lab }

func (s source) Edition() console.Edition {
	s.lab.mu.Lock()
	defer s.lab.mu.Unlock()
	return s.lab.edition
}

func (s source) Pods() []workload.Status            { return s.lab.workloads.Status() }
func (s source) Deployments() []workload.Deployment { return s.lab.workloads.Deployments() }
func (s source) Ejections() []proxy.Ejection        { return s.lab.proxy.Ejections() }
func (s source) Flows() []traffic.Flow              { return s.lab.traffic.Flows() }
func (s source) Edges(now time.Time) []traffic.Edge { return s.lab.traffic.Edges(now) }
func (s source) Calls(limit int, keep func(traffic.EdgeKey) bool) []traffic.Call {
	return s.lab.traffic.Calls(limit, keep)
}
func (s source) Send(ctx context.Context, r send.Request, of *rules.Rules) (*send.Response, error) {
	return s.lab.sender.Send(ctx, r, of)
}
func (s source) Logs() *podlog.Logs      { return s.lab.workloads.Logs() }
func (s source) Series() *traffic.Series { return s.lab.traffic.Series() }
