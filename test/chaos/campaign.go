//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

// fault is one failure that is injected under load.
type fault struct {
	name string
	// inject causes the failure for the duration of the trial and then repairs it. It returns what it did.
	inject func(ctx context.Context, t *trial) (injected, error)
	// claim lists the outcomes that break the claim, none if it holds.
	claim  func(done injected, outcomes []outcome) []string
	stated string // the claim as text
}

// setting is an overlay with its faults, all in one run of the lab.
type setting struct {
	overlay overlaySpec
	faults  []fault
}

// trial is the environment of a fault.
type trial struct {
	lab    *lab
	random *rand.Rand
	time   time.Duration // the duration of a fault
}

// injected records what a fault did.
type injected struct {
	times int      // the number of times
	notes []string // further notes for the report
	kills []kill
}

// campaign runs all faults. A lab stops while the next one starts.
func campaign(ctx context.Context, o options, progress io.Writer) (rows []row, err error) {
	settings := []setting{
		{overlaySpec{name: "canary", base: "canary"}, []fault{
			{"kill -9, a workload's only pod", killAny, onePerConnectionBesideAbsence, "one per open connection, and while no pod is there"},
			{"rolling restart of every workload", restartAll, none, "no failure"},
			{"rules swapped ten times a second", swapRules, none, "no failure"},
			{"core hangs, its only pod", hang("hopline/core-prod"), definedFailures, "504 or 503 within the rule's timeout"},
		}},
		{overlaySpec{name: "canary, spans to another collector", base: "canary", collector: true}, []fault{
			{"trace collector stopped, started, hung", breakCollector, none, "no failure"},
		}},
		{overlaySpec{name: "canary, --logs to a full disk", base: "canary", diskFull: true}, []fault{
			{"disk full for logs", writeLogs, none, "no failure"},
		}},
		{overlaySpec{name: "canary, two pods of each", base: "canary", replicated: true}, []fault{
			{"kill -9, one of two pods", killAny, onePerConnection, "one per connection open to the process"},
		}},
		{overlaySpec{name: "retry, two pods of each", base: "retry", replicated: true}, []fault{
			{"kill -9, one of two pods, retries", killAny, none, "no failure"},
			{"core hangs, one of two pods, retries", hang("hopline/core-prod"), none, "no failure"},
		}},
	}
	var stopping []<-chan error
	defer func() {
		for _, stopped := range stopping {
			err = errors.Join(err, <-stopped)
		}
	}()
	for _, s := range settings {
		s.faults = slices.DeleteFunc(s.faults, func(f fault) bool { return !o.only.MatchString(f.name) })
		if len(s.faults) == 0 {
			continue
		}
		l, err := startLab(ctx, o, s.overlay)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", s.overlay.name, err)
		}
		tried, err := try(ctx, o, l, s, progress)
		rows = append(rows, tried...)
		stopped := make(chan error, 1)
		go func() { stopped <- l.stop() }()
		stopping = append(stopping, stopped)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", s.overlay.name, err)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("--only %s finds no fault", o.only)
	}
	return rows, nil
}

// try runs a setting's faults on its lab in sequence. It repeats a void trial once.
func try(ctx context.Context, o options, l *lab, s setting, progress io.Writer) (rows []row, err error) {
	t := &trial{lab: l, random: rand.New(rand.NewPCG(o.seed, 0)), time: o.time}
	for _, f := range s.faults {
		if err := l.settled(ctx); err != nil {
			return rows, fmt.Errorf("before %s: %w", f.name, err)
		}
		r, err := one(ctx, o, t, f)
		if err == nil && r.void != "" {
			fmt.Fprintf(progress, "%s: %s; once more\n", f.name, r.void)
			if err = l.settled(ctx); err == nil {
				r, err = one(ctx, o, t, f)
			}
		}
		if err != nil {
			return rows, fmt.Errorf("%s: %w", f.name, err)
		}
		r.setting = s.overlay.name
		rows = append(rows, r)
		fmt.Fprintln(progress, r)
	}
	return rows, nil
}

// The load starts a little before the fault and ends a little after its repair.
const (
	before = time.Second / 2
	after  = time.Second
)

// one injects one fault under load.
func one(ctx context.Context, o options, t *trial, f fault) (row, error) {
	calls := newLoad(t.lab.page+"hops", o.rate)
	stop := calls.start()
	defer stop()
	w := &watch{lab: t.lab}
	seen := w.start(ctx)
	defer seen()
	begun := time.Now()
	pause(ctx, before)
	done, err := f.inject(ctx, t)
	if err == nil {
		pause(ctx, after)
		err = ctx.Err()
	}
	outcomes := stop()
	done.notes = append(done.notes, seen()...)
	r := row{fault: f.name, claim: f.stated, took: time.Since(begun), done: done, outcomes: outcomes, void: starved(outcomes, w.delay)}
	switch {
	case err == nil:
		r.broken = f.claim(done, outcomes)
	case r.void != "" && ctx.Err() == nil: // the fault could not be injected
		r.broken = []string{err.Error()}
	default:
		return row{}, err
	}
	return r, nil
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
