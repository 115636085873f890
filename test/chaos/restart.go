//go:build linux

package main

import "context"

// restartAll restarts every workload again and again, each time once the last restart is through.
func restartAll(ctx context.Context, t *trial) (done injected, err error) {
	for ctx.Err() == nil {
		before, err := t.lab.pods(ctx)
		if err != nil {
			return done, err
		}
		if err := t.lab.overlay.restart(); err != nil {
			return done, err
		}
		// Not bounded by ctx: a restart that has begun is seen through.
		if err := t.lab.replaced(context.WithoutCancel(ctx), before); err != nil {
			return done, err
		}
		done.times++
	}
	return done, nil
}
