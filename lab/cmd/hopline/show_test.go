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
	for argument, want := range map[string]string{"--limit=0": `limit: want a number from 1 to 200, got "0"`, "XYZ": "XYZ"} {
		if code, out := s.hopline("trace", argument, "--console-port", s.consolePort()); code != 2 || !strings.Contains(out, want) {
			t.Errorf("hopline trace %s: exit code %d, %s; want 2 and %s", argument, code, out, want)
		}
	}
	one := run("trace", bad)
	for _, want := range []string{"core prod responded with 500: an injected fault\n", "core prod  get /hops  500  error\n", "WARN  request"} {
		if !strings.Contains(one, want) {
			t.Errorf("the trace\n%swant %q in it", one, want)
		}
	}
	series := ""
	s.waitFor("the figures of both requests", func() bool {
		series = run("series", "--service", "core")
		return strings.Contains(series, bad) && strings.Contains(series, "hopline/core test")
	})
	for _, want := range []string{
		`^\d\d:\d\d:\d\d to \d\d:\d\d:\d\d; p50 and p99 are the highest of 5s\n +requests +errors +p50 +p99\n`,
		`(?m)^  hopline/core prod +\d+\.\d/s +(0\.)?[1-9]\S* % +\S+ .s +\S+ .s$`, `(?m)^  hopline/core test +\d+\.\d/s +0 % `,
		`(?m)^  \S+  ` + bad + ` +\S+ .s  hopline/core prod  500$`, `(?m)^  \S+  [0-9a-f]{32} +\S+ .s  hopline/core test  200$`,
	} {
		if !regexp.MustCompile(want).MatchString(series) {
			t.Errorf("the series\n%swant %s in it", series, want)
		}
	}
	if strings.Contains(series, "middle") {
		t.Errorf("the series of core have another service:\n%s", series)
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
