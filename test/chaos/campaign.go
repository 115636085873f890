//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

// fault is one thing that goes wrong while callers go on calling.
type fault struct {
	name string
	// inject breaks things for as long as the trial says and then mends them. It returns what it did.
	inject func(ctx context.Context, t *trial) (injected, error)
	// claim says what of the outcomes was not promised; nothing when all was.
	claim  func(done injected, outcomes []outcome) []string
	stated string // the claim in words
}

// setting is an overlay with the faults that are tried on it, all in one run of the lab.
type setting struct {
	overlay overlaySpec
	faults  []fault
}

// trial is what a fault works on.
type trial struct {
	lab    *lab
	random *rand.Rand
	time   time.Duration // how long a fault goes on
}

// injected is what a fault did.
type injected struct {
	times int      // how often
	notes []string // what else there is to say
	kills []kill
}

// campaign is the list of all faults.
func campaign(ctx context.Context, o options, progress io.Writer) ([]row, error) {
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
	var rows []row
	for _, s := range settings {
		s.faults = slices.DeleteFunc(s.faults, func(f fault) bool { return !o.only.MatchString(f.name) })
		if len(s.faults) == 0 {
			continue
		}
		tried, err := try(ctx, o, s, progress)
		rows = append(rows, tried...)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", s.overlay.name, err)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("--only %s finds no fault", o.only)
	}
	return rows, nil
}

// try runs the lab on one setting and its faults, one after the other.
func try(ctx context.Context, o options, s setting, progress io.Writer) (rows []row, err error) {
	l, err := startLab(ctx, o, s.overlay)
	if err != nil {
		return nil, err
	}
	defer func() {
		if stopErr := l.stop(); err == nil {
			err = stopErr
		}
	}()
	t := &trial{lab: l, random: rand.New(rand.NewPCG(o.seed, 0)), time: o.time}
	for _, f := range s.faults {
		if err := l.settled(ctx); err != nil {
			return rows, fmt.Errorf("before %s: %w", f.name, err)
		}
		r, err := one(ctx, o, t, f)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", f.name, err)
		}
		r.setting = s.overlay.name
		rows = append(rows, r)
		fmt.Fprintln(progress, r)
	}
	return rows, nil
}

// The load begins a little before the fault and ends a little after it has been mended.
const (
	before = time.Second
	after  = 2 * time.Second
)

// one injects one fault under load.
func one(ctx context.Context, o options, t *trial, f fault) (row, error) {
	calls := newLoad(t.lab.page+"hops", o.rate)
	stop := calls.start()
	defer stop()
	seen := (&watch{lab: t.lab}).start(ctx)
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
	if err != nil {
		return row{}, err
	}
	return row{fault: f.name, claim: f.stated, took: time.Since(begun), done: done, outcomes: outcomes, broken: f.claim(done, outcomes)}, nil
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
