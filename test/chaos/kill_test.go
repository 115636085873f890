//go:build linux

package main

import (
	"testing"
	"time"
)

// TestOnePerConnection covers which failures a kill excuses.
func TestOnePerConnection(t *testing.T) {
	t.Parallel()
	at := func(ms int) time.Time { return time.UnixMilli(int64(1_000_000 + ms)) }
	failed := func(ms int, why string) outcome { return outcome{at: at(ms), took: 10 * time.Millisecond, why: why} }
	const cut, none = "503 reset reason: connection termination", "503 no healthy upstream"
	done := injected{kills: []kill{{pod: "a", at: at(1000), back: at(1100), connections: 2}, {pod: "b", at: at(3000), back: at(3100), connections: 1}}}
	done.kills[0].unseen.from, done.kills[0].unseen.to = at(1001), at(1003)
	for name, c := range map[string]struct {
		outcomes       []outcome
		strict, beside int // broken claims
	}{
		"nothing fails":                          {[]outcome{failed(900, "")}, 0, 0},
		"as many as connections":                 {[]outcome{failed(995, cut), failed(996, cut), failed(3000, cut)}, 0, 0},
		"one too many":                           {[]outcome{failed(995, cut), failed(3000, cut), failed(3001, cut)}, 1, 1},
		"one for each not seen":                  {[]outcome{failed(995, cut), failed(1001, cut), failed(1002, cut), failed(1003, cut)}, 0, 0},
		"before any kill":                        {[]outcome{failed(900, cut)}, 1, 1},
		"while nobody is there":                  {[]outcome{failed(3010, none), failed(3020, none), failed(3030, cut)}, 1, 0},
		"nobody there, long after it is back":    {[]outcome{failed(4000, none), failed(4001, none)}, 1, 1},
		"the second kill has fewer connections ": {[]outcome{failed(3001, cut), failed(3002, cut)}, 1, 1},
	} {
		if got := onePerConnection(done, c.outcomes); len(got) != c.strict {
			t.Errorf("%s: %q, wanted %d", name, got, c.strict)
		}
		if got := onePerConnectionBesideAbsence(done, c.outcomes); len(got) != c.beside {
			t.Errorf("%s, beside absence: %q, wanted %d", name, got, c.beside)
		}
	}
}
