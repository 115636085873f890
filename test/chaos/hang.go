//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// hang stops one process of a workload, which then neither answers nor closes anything, and lets it go on in the end. A rule bounds how long
// callers wait.
func hang(deployment string) func(context.Context, *trial) (injected, error) {
	return func(ctx context.Context, t *trial) (done injected, err error) {
		live := t.lab.live.Load()
		if err := t.lab.overlay.limitCore(true); err != nil {
			return done, err
		}
		for t.lab.live.Load() == live { // the rule must hold first
			if pause(ctx, pollTime); ctx.Err() != nil {
				return done, errors.New("the rule with the timeouts does not go live")
			}
		}
		pods, err := t.lab.pods(ctx)
		if err != nil {
			return done, err
		}
		for _, p := range pods {
			if p.Deployment != deployment {
				continue
			}
			if err := syscall.Kill(p.Process, syscall.SIGSTOP); err != nil {
				return done, fmt.Errorf("stopping %s: %w", p.Name, err)
			}
			<-ctx.Done()
			if err := syscall.Kill(p.Process, syscall.SIGCONT); err != nil {
				return done, fmt.Errorf("continuing %s: %w", p.Name, err)
			}
			done.times = 1
			return done, t.lab.settled(context.WithoutCancel(ctx))
		}
		return done, fmt.Errorf("no pod of %s", deployment)
	}
}
