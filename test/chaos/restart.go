//go:build linux

package main

import (
	"context"
	"time"
)

// restartAll restarts every workload again and again, each time once the last restart is through.
func restartAll(ctx context.Context, t *trial) (done injected, err error) {
	for end := time.Now().Add(t.time); time.Now().Before(end); {
		before, err := t.lab.pods(ctx)
		if err != nil {
			return done, err
		}
		if err := t.lab.overlay.restart(); err != nil {
			return done, err
		}
		if err := t.lab.replaced(ctx, before); err != nil {
			return done, err
		}
		done.times++
	}
	return done, nil
}
