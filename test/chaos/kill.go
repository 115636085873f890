//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// appPort is the container port that other workloads call.
const appPort = "8080"

// kill records one killed process.
type kill struct {
	pod         string
	at          time.Time
	back        time.Time                    // when the pod was ready again
	connections int                          // seen open to the process, from just before the signal until its port was closed
	unseen      struct{ from, to time.Time } // between the last two checks more may have been opened
}

// Between two kills there is at least this much time, and all killed processes are back.
const betweenKills = 500 * time.Millisecond

// killAny kills processes in random order, each once. The lab restarts a process immediately the first time, and after that with a growing
// delay, as Kubernetes does. If an earlier run has killed all of them, killAny replaces them first.
func killAny(ctx context.Context, t *trial) (done injected, err error) {
	pods, err := t.lab.unharmed(ctx)
	if err == nil && len(pods) == 0 {
		if err = t.lab.restart(ctx); err == nil {
			pods, err = t.lab.unharmed(ctx)
		}
	}
	if err != nil {
		return done, err
	}
	t.random.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
	end := time.Now().Add(t.time)
	for _, p := range pods {
		if time.Now().After(end) || ctx.Err() != nil {
			break
		}
		k, err := killOne(ctx, t, p)
		if err != nil {
			return done, err
		}
		done.kills = append(done.kills, k)
		done.times++
		pause(ctx, betweenKills)
	}
	done.notes = append(done.notes, killNote(done.kills))
	return done, nil //nolint:nilerr // the time is over or the user has interrupted: what was seen counts
}

// unharmed returns the pods whose process has not been restarted.
func (l *lab) unharmed(ctx context.Context) ([]pod, error) {
	pods, err := l.pods(ctx)
	return slices.DeleteFunc(pods, func(p pod) bool { return p.Restarts > 0 }), err
}

// killNote reports how many connections were open to the killed processes, and how long these were away.
func killNote(kills []kill) string {
	total := 0
	var longest time.Duration
	for _, k := range kills {
		total += k.connections
		longest = max(longest, k.back.Sub(k.at))
	}
	return fmt.Sprintf("%d connections were open to the processes killed, which were ready again after %.2f s at most", total, longest.Seconds())
}

// killOne kills the process of a pod and waits until it is back.
func killOne(ctx context.Context, t *trial, p pod) (k kill, err error) {
	k.pod = p.Name
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if err := k.strike(ctx, p); err != nil {
		return k, err
	}
	for {
		pods, err := t.lab.pods(ctx)
		if err != nil {
			return k, err
		}
		if isBack(pods, p) {
			k.back = time.Now()
			return k, nil
		}
		if ctx.Err() != nil {
			return k, errors.New(p.Name + " is not ready again")
		}
		pause(ctx, 10*time.Millisecond)
	}
}

// strike kills the process and counts the connections to it. A killed process ends when it is next scheduled, and until then the kernel
// accepts connections for it: on a busy machine some more arrive in that time.
func (k *kill) strike(ctx context.Context, p pod) error {
	k.unseen.from = time.Now()
	before, err := socketsOf(p.Ports[appPort])
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	k.at = time.Now()
	if err := syscall.Kill(p.Process, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing %s: %w", p.Name, err)
	}
	for now := before; now.listener == before.listener; {
		for _, peer := range now.peers {
			seen[peer] = true
		}
		if ctx.Err() != nil {
			return errors.New(p.Name + " was killed and has not ended")
		}
		looked := time.Now()
		if now, err = socketsOf(p.Ports[appPort]); err != nil {
			return err
		}
		k.unseen.to = time.Now()
		if now.listener == before.listener {
			k.unseen.from = looked
		}
	}
	k.connections = len(seen)
	return nil
}

// isBack reports whether a pod that was killed is ready with another process.
func isBack(pods []pod, was pod) bool {
	for _, p := range pods {
		if p.Name == was.Name {
			return p.Ready && p.Process != was.Process
		}
	}
	return false
}

// The proxy's texts, the same as Envoy's, for calls without an endpoint.
const (
	noneReady = "no healthy upstream"
	nobody    = "remote connection failure"
)

// slack is the longest time on a busy machine between a process being ready and callers using it.
const slack = 500 * time.Millisecond

// onePerConnection fails if a kill led to more failures than there were connections to the process.
func onePerConnection(done injected, outcomes []outcome) []string {
	return judgeKills(done, outcomes, false)
}

// onePerConnectionBesideAbsence also allows failures of requests that arrived while the workload had no pod.
func onePerConnectionBesideAbsence(done injected, outcomes []outcome) []string {
	return judgeKills(done, outcomes, true)
}

func judgeKills(done injected, outcomes []outcome, alone bool) (broken []string) {
	failed := make([]int, len(done.kills))
	for _, o := range outcomes {
		if o.why == "" {
			continue
		}
		i := killBefore(done.kills, o)
		if i < 0 {
			broken = append(broken, "a failure before any kill: "+o.why)
			continue
		}
		if alone && o.at.Before(done.kills[i].back.Add(slack)) && (strings.Contains(o.why, noneReady) || strings.Contains(o.why, nobody)) {
			continue
		}
		failed[i]++
	}
	for i, k := range done.kills {
		if unseen := k.requestsUnseen(outcomes); failed[i] > k.connections+unseen {
			broken = append(broken, fmt.Sprintf("%s had %d connections, at most %d more were not seen, and %d requests failed", k.pod, k.connections, unseen, failed[i]))
		}
	}
	return broken
}

// requestsUnseen returns how many requests began while connections were not counted: each may have opened one.
func (k kill) requestsUnseen(outcomes []outcome) (n int) {
	for _, o := range outcomes {
		if !o.at.Before(k.unseen.from) && o.at.Before(k.unseen.to) {
			n++
		}
	}
	return n
}

// killBefore returns the index of the last kill before a request ended, or -1.
func killBefore(kills []kill, o outcome) int {
	last := -1
	for i, k := range kills {
		if k.at.Before(o.at.Add(o.took)) {
			last = i
		}
	}
	return last
}
