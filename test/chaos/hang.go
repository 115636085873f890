//go:build linux

package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// hang stops one process of a workload, which then neither responds nor closes anything, and continues it in the end. A rule limits how
// long callers wait.
func hang(deployment string) func(context.Context, *trial) (injected, error) {
	return func(ctx context.Context, t *trial) (done injected, err error) {
		if err := t.lab.overlay.limitCore(true); err != nil {
			return done, err
		}
		if err := t.lab.limited(ctx); err != nil {
			return done, err
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
			pause(ctx, t.time)
			if err := syscall.Kill(p.Process, syscall.SIGCONT); err != nil {
				return done, fmt.Errorf("continuing %s: %w", p.Name, err)
			}
			done.times = 1
			return done, t.lab.settled(ctx)
		}
		return done, fmt.Errorf("no pod of %s", deployment)
	}
}

// limited waits until limitCore applies to every request: until core's rules react to the sign, and earlier requests have had time to get a
// response.
func (l *lab) limited(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		body, err := get(ctx, l.page+"hops", signHeader, sign)
		if err == nil && gist(body) == sign {
			pause(ctx, coreTimeout)
			return ctx.Err()
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the rule with the timeouts does not go live: %s, %w", gist(body), ctx.Err())
		}
	}
}
