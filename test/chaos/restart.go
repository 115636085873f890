//go:build linux

package main

import (
	"context"
	"time"
)

// restartAll restarts every workload repeatedly, each time after the last restart is complete.
func restartAll(ctx context.Context, t *trial) (done injected, err error) {
	for end := time.Now().Add(t.time); time.Now().Before(end); {
		if err := t.lab.restart(ctx); err != nil {
			return done, err
		}
		done.times++
	}
	return done, nil
}

// restart replaces every pod.
func (l *lab) restart(ctx context.Context) error {
	before, err := l.pods(ctx)
	if err != nil {
		return err
	}
	if err := l.overlay.restart(); err != nil {
		return err
	}
	return l.replaced(ctx, before)
}
