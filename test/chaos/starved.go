//go:build linux

package main

import (
	"fmt"
	"slices"
	"time"
)

// A run on an overloaded machine proves nothing: readiness probes time out, and responses are late, whatever the lab does. Beyond these
// limits a run is void. They are measured on chaos's own process, which injects nothing and waits for nothing.
const (
	lateShare = 0.01                   // at most this share of the requests may be sent
	lateTime  = 250 * time.Millisecond // later than they were due by this,
	waitTime  = 250 * time.Millisecond // and a process that could run waits for less than this: a readiness probe has 1 s, for several such waits
)

// starved returns why a run is void, or an empty string.
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
