//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"
)

// none allows no failure.
func none(_ injected, outcomes []outcome) []string {
	if n := failures(outcomes); n > 0 {
		return []string{fmt.Sprintf("%d requests failed", n)}
	}
	return nil
}

func failures(outcomes []outcome) int {
	n := 0
	for _, o := range outcomes {
		if o.why != "" {
			n++
		}
	}
	return n
}

// definedFailures allows only failures of requests to the hung process: 504 by the rule's timeouts, later 503 because the lab has detected
// that the process is not ready. No response takes longer than the rule's timeout plus the way there and back, which the other requests
// measure.
func definedFailures(_ injected, outcomes []outcome) (broken []string) {
	var worst, way time.Duration
	others, undefined := 0, map[string]int{}
	for _, o := range outcomes {
		if o.user == "" {
			worst = max(worst, o.took)
		} else {
			way = max(way, o.took)
		}
		switch {
		case o.why == "":
		case o.user != "": // core-test serves them
			others++
		case !strings.HasPrefix(o.why, "504 upstream request timeout") && !strings.HasPrefix(o.why, "503 "+noneReady):
			undefined[o.why]++
		}
	}
	if limit := coreTimeout + slack + 2*way; worst > limit {
		broken = append(broken, fmt.Sprintf("a response took %v, longer than %v", worst, limit))
	}
	if others > 0 {
		broken = append(broken, fmt.Sprintf("%d requests failed that never went to the hung process", others))
	}
	for why, n := range undefined {
		broken = append(broken, fmt.Sprintf("%d × %s", n, why))
	}
	return broken
}
