//go:build linux

package main

import "context"

// writeLogs makes the lab write its log, and every line of every process, to a full disk. It only has to wait.
func writeLogs(ctx context.Context, t *trial) (injected, error) {
	pause(ctx, t.time)
	return injected{times: 1}, t.lab.settled(ctx)
}
