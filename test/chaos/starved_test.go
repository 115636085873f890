//go:build linux

package main

import (
	"strings"
	"testing"
	"time"
)

func TestStarved(t *testing.T) {
	t.Parallel()
	requests := func(n, late int) (outcomes []outcome) {
		for i := range n {
			o := outcome{late: time.Millisecond}
			if i < late {
				o.late = time.Second
			}
			outcomes = append(outcomes, o)
		}
		return outcomes
	}
	for name, c := range map[string]struct {
		outcomes []outcome
		waited   time.Duration
		want     string // a part of it
	}{
		"in time":           {requests(1000, 0), time.Millisecond, ""},
		"a few late":        {requests(1000, 10), time.Millisecond, ""},
		"too many late":     {requests(1000, 11), time.Millisecond, "1.1 % of requests"},
		"kept from running": {requests(1000, 0), time.Second, "waited for up to 1.00 s"},
		"nothing asked":     {nil, 0, ""},
	} {
		if got := starved(c.outcomes, c.waited); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, wanted %q", name, got, c.want)
		}
	}
}
