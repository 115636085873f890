// Package await lets a test wait for a condition.
package await

import (
	"testing"
	"time"
)

// limit bounds the wait: a busy machine needs much longer than an idle one.
const limit = 20 * time.Second

// That waits until a condition holds. After 20 s it fails the test.
func That(t testing.TB, what string, holds func() bool) {
	t.Helper()
	end, tick := time.After(limit), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited %v without success: %s", limit, what)
		}
	}
}
