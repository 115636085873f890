//go:build linux

package main

import (
	"testing"
	"time"
)

// TestDefinedFailures: a hung process may cause failures, but only the defined ones, in time, and only for its own requests.
func TestDefinedFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o    outcome
		held bool
	}{
		"a response":      {outcome{took: time.Millisecond}, true},
		"timed out":       {outcome{took: time.Second, why: "504 upstream request timeout"}, true},
		"noticed":         {outcome{took: time.Millisecond, why: "503 no healthy upstream"}, true},
		"another failure": {outcome{took: time.Millisecond, why: "502 no idea"}, false},
		"too late":        {outcome{took: 10 * time.Second, why: "504 upstream request timeout"}, false},
		"a late response": {outcome{took: 10 * time.Second}, false},
		"another's":       {outcome{took: time.Second, user: "betaUser", why: "504 upstream request timeout"}, false},
	} {
		if broken := definedFailures(injected{}, []outcome{c.o}); (len(broken) == 0) != c.held {
			t.Errorf("%s: %q", name, broken)
		}
		if broken := none(injected{}, []outcome{c.o}); (len(broken) == 0) != (c.o.why == "") {
			t.Errorf("%s: %q", name, broken)
		}
	}
}
