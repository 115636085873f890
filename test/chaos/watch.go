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

// watchTime is the interval of the checks.
const watchTime = 20 * time.Millisecond

// watch observes a fault: which pods stop being ready and the lab's reasons, and for how long this machine makes a process that could run
// wait. During such a wait no request gets a response, whatever the lab does.
type watch struct {
	lab     *lab
	unready map[string]int // number of observations by deployment and reason
	looks   int
	delay   time.Duration // the longest
}

// start begins watching. The function it returns ends that and reports what was seen; it may be called again.
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

// seen returns the lines of the report.
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
