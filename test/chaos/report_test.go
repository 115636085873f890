//go:build linux

package main

import (
	"bytes"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report(&out, []row{
		{fault: "quiet", setting: "canary", claim: "no failure", took: 3 * time.Second, done: injected{times: 2}, outcomes: []outcome{{took: time.Second / 4}}},
		{fault: "loud", setting: "retry", claim: "no failure", took: 4 * time.Second, done: injected{times: 1, notes: []string{"noted"}}, broken: []string{"4 requests failed"},
			outcomes: []outcome{{why: "503 b"}, {why: "504 a"}, {why: "503 c"}, {why: "503 c"}, {}}},
		{fault: "lost", setting: "prod", claim: "no failure", void: "no time", broken: []string{"1 request failed"}, outcomes: []outcome{{why: "504 a"}}},
	})
	const want = `fault  overlay  times  seconds  requests  failed  slowest  claim               why, and what else was seen
quiet  canary   2      3        1         0       0.25 s   held: no failure    -
loud   retry    1      4        5         4       0.00 s   BROKEN: no failure  2 × 503 c
                                                                               1 × 503 b
                                                                               1 × 504 a
                                                                               noted
                                                                               BROKEN: 4 requests failed
lost   prod     0      0        1         1       0.00 s   VOID: no failure    1 × 504 a
                                                                               VOID: no time
                                                                               BROKEN: 1 request failed
`
	if out.String() != want {
		t.Errorf("printed:\n%s\nwanted:\n%s", out.String(), want)
	}
}
