package main

import (
	"regexp"
	"strings"
	"testing"
)

// stateAndTraces reads the rules, workloads and traces of the running lab in the terminal.
func stateAndTraces(t *testing.T, s *suite) {
	run := func(args ...string) string {
		code, out := s.hopline(append(args, "--console-port", s.consolePort())...)
		if code != 0 {
			t.Fatalf("hopline %v: exit code %d: %s", args, code, out)
		}
		return out
	}
	good := s.get("Page", "/hops", "x-dev-user", "betaUser").header.Get("x-b3-traceid")
	bad := s.get("Page", "/hops", "x-fault-core", "error=100").header.Get("x-b3-traceid")
	// The spans arrive in batches.
	first, second := regexp.MustCompile(`(?m)^core test +\d.* +0 µs +-\d`), regexp.MustCompile(`(?m)^core prod +0 µs +\d.* \+\d`)
	s.waitFor("the spans of both traces", func() bool {
		code, both := s.hopline("trace", good, bad, "--console-port", s.consolePort())
		return code == 0 && first.MatchString(both) && second.MatchString(both) && strings.Contains(both, "8 of 8 spans failed")
	})
	if found := run("trace", "--errors"); !strings.Contains(found, bad) || strings.Contains(found, good) || !strings.Contains(found, "500  8 of 8 spans failed  injected fault") {
		t.Errorf("the failed traces are\n%s", found)
	}
	if found := run("trace", "--min", "1h"); found != "! no trace matches\n" {
		t.Errorf("the traces of more than an hour are\n%s", found)
	}
	one := run("trace", bad)
	for _, want := range []string{"core prod responded with 500: an injected fault\n", "core prod  get /hops  500  error\n", "WARN  request"} {
		if !strings.Contains(one, want) {
			t.Errorf("the trace\n%swant %q in it", one, want)
		}
	}
	state := run("status")
	for _, want := range []string{
		`(?m)^overlay .*canary, revision \d+$`, `(?m)^      middle prod: 80 %; observed \d`, `(?m)^      middle dev: 100 %; observed 100 % of \d`,
		`(?m)^      \d+ failed: 500 from the upstream$`, `(?m)^  hopline/core-prod +1 of 1 ready`,
	} {
		if !regexp.MustCompile(want).MatchString(state) {
			t.Errorf("the state\n%swant %s in it", state, want)
		}
	}
	if text := run("status", "--json"); !strings.Contains(text, `"ejections": []`) {
		t.Errorf("the state as JSON is\n%s", text)
	}
}
