package up

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/docs/lessons"
	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/lesson"
	"github.com/hopline/hopline/lab/overlay"
)

// newGuide returns the lessons for the console. Their commands talk to this lab, and the learner works in the directory in which the lab was
// started.
func (l *lab) newGuide() (*lesson.Guide, error) {
	all, err := lesson.Read(lessons.Files)
	if err != nil {
		return nil, err
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	tool, err := os.Executable()
	if err != nil {
		return nil, err
	}
	at := func(listener net.Listener) string {
		return strings.TrimPrefix(localURL(l.options.Host, listener), "http://")
	}
	return lesson.NewGuide(all, here, tool, lesson.Addresses{
		lesson.Ingress: at(l.listeners.ingress), lesson.Console: at(l.listeners.console),
		lesson.Zipkin: at(l.listeners.zipkin), lesson.OTLP: at(l.listeners.otlp),
	}, lessonLab{l}), nil
}

// lessonLab implements lesson.Running.
type lessonLab struct{ lab *lab }

// Run switches to the overlay in a directory and replaces the pods that ran before: `hopline up` starts with new processes.
func (r lessonLab) Run(dir string) ([]string, error) {
	l := r.lab
	err := l.drive.SwitchTo(dir)
	if err == nil {
		err = l.replacePods()
	}
	if err != nil {
		return nil, current.CannotRun(bundle.Shown(l.nameOf(dir)), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := []string{"This lab runs " + l.edition.Name + "."}
	for _, link := range l.edition.Links {
		lines = append(lines, fmt.Sprintf("  %-8s %s  %s", link.Name, link.URL, purposes[link.Name]))
	}
	return lines, nil
}

// Saved applies what was saved, if the lab runs an overlay below a directory: without it, that takes until the watcher reports the change.
func (r lessonLab) Saved(below string) {
	if !strings.HasPrefix(r.lab.drive.Dir(), below+string(filepath.Separator)) {
		return
	}
	done := make(chan struct{})
	select {
	case r.lab.saved <- done:
		select {
		case <-done:
		case <-r.lab.running.Done():
		}
	case <-r.lab.running.Done():
	}
}

// replacePods replaces all pods, and waits until they have ended and others are ready.
func (l *lab) replacePods() error {
	old := l.workloads.Replace()
	err := l.within(startTimeout, func() []string {
		var waits []string
		for _, p := range l.workloads.Status() {
			if slices.Contains(old, p.Name) {
				waits = append(waits, p.Name+" ends")
			}
		}
		return waits
	})
	return errors.Join(err, l.becomeReady(l.rendered()))
}

// rendered returns the overlay that is active.
func (l *lab) rendered() *overlay.Overlay {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.edition.Overlay
}
