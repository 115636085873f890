//go:build linux

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// watchTime is how often the watch looks.
const watchTime = 20 * time.Millisecond

// watch looks on while a fault goes on: which pods stop being ready, by what the lab says, and for how long this machine lets a process
// that could run wait. Requests cannot be answered meanwhile, whatever the lab does.
type watch struct {
	lab     *lab
	unready map[string]int // by deployment and reason: how often it was seen
	looks   int
	delay   time.Duration // the longest
}

// start begins watching. The function it returns ends that and tells what was seen; it may be called again.
func (w *watch) start(ctx context.Context) (stop func() []string) {
	ctx, cancel := context.WithCancel(ctx)
	w.unready = map[string]int{}
	var looking sync.WaitGroup
	looking.Go(func() { w.ticks(ctx) })
	looking.Go(func() { w.look(ctx) })
	return func() []string {
		cancel()
		looking.Wait()
		return w.seen()
	}
}

// ticks measures by how much a short sleep is too long.
func (w *watch) ticks(ctx context.Context) {
	for ctx.Err() == nil {
		begun := time.Now()
		pause(ctx, watchTime)
		w.delay = max(w.delay, time.Since(begun)-watchTime)
	}
}

func (w *watch) look(ctx context.Context) {
	for ctx.Err() == nil {
		pods, err := w.lab.pods(ctx)
		if err == nil {
			w.looks++
			for _, p := range pods {
				if p.Current && p.State == "failing" {
					w.unready[p.Deployment+": "+p.Reason]++
				}
			}
		}
		pause(ctx, 5*watchTime)
	}
}

// seen is what there is to tell.
func (w *watch) seen() []string {
	var lines []string
	for _, who := range slices.Sorted(maps.Keys(w.unready)) {
		lines = append(lines, fmt.Sprintf("in %.0f %% of looks not ready: %s", 100*float64(w.unready[who])/float64(w.looks), who))
	}
	if w.delay > watchTime {
		lines = append(lines, fmt.Sprintf("this machine was busy: a process that could run waited for up to %.2f s", w.delay.Seconds()))
	}
	return lines
}
