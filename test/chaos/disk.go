//go:build linux

package main

import "context"

// writeLogs lets the lab write its log, and every line of every process, to a disk that takes nothing. All that is to be done is to wait.
func writeLogs(ctx context.Context, t *trial) (injected, error) {
	pause(ctx, t.time)
	return injected{times: 1}, t.lab.settled(ctx)
}
