//go:build linux

package main

import (
	"fmt"
	"slices"
	"time"
)

// A machine that has too little time for what runs on it proves nothing: readiness probes run out of time, and answers come late, whatever the
// lab does. Beyond these bounds a run is void. They are measured on chaos's own process, which breaks nothing and waits for nobody.
const (
	lateShare = 0.01                   // of the requests may be sent
	lateTime  = 250 * time.Millisecond // later than they were due by this,
	waitTime  = 250 * time.Millisecond // and a process that could run waits for less than this: a readiness probe has 1 s, for several of them
)

// starved says why a run is void; empty: it is not.
func starved(outcomes []outcome, waited time.Duration) string {
	late := 0
	for _, o := range outcomes {
		if o.late > lateTime {
			late++
		}
	}
	if share := float64(late) / float64(max(1, len(outcomes))); share > lateShare {
		worst := slices.MaxFunc(outcomes, func(a, b outcome) int { return int(a.late - b.late) })
		return fmt.Sprintf("the machine was starved: the rate could not be held, %.1f %% of requests were sent over %v late, up to %.2f s", 100*share, lateTime, worst.late.Seconds())
	}
	if waited > waitTime {
		return fmt.Sprintf("the machine was starved: a process that could run waited for up to %.2f s", waited.Seconds())
	}
	return ""
}
