package main

import (
	"strings"
	"testing"
)

// logsOfATrace reads the lines of one trace from the running lab, by workload and level. Control characters that a client has sent are
// escaped.
func logsOfATrace(t *testing.T, s *suite) {
	logs := func(args ...string) string {
		code, out := s.hopline(append([]string{"logs", "--console-port", s.consolePort()}, args...)...)
		if code != 0 {
			t.Fatalf("hopline logs %v: exit code %d: %s", args, code, out)
		}
		return out
	}
	a := s.get("Page", "/%1b%5d0;evil%07", "x-dev-user", "betaUser")
	good := s.get("Page", "/hops", "x-dev-user", "betaUser").header.Get("x-b3-traceid")
	s.waitFor("the lines of front, middle and core", func() bool { return strings.Count(logs("--trace", good), "\n") >= 3 })
	of := logs("--trace", good, "--workload", "middle")
	if strings.Count(of, "\n") != 1 || !strings.Contains(of, " middle-dev-") || !strings.Contains(of, " | INFO request ") || !strings.Contains(of, "code=200") {
		t.Errorf("the lines of middle are\n%s, want one of middle-dev", of)
	}
	if text := logs("--trace", good, "--level", "warn"); text != "! no line matches\n" {
		t.Errorf("a request without a failure has the warnings\n%s", text)
	}
	hostile := ""
	s.waitFor("the line with control characters", func() bool { hostile = logs("evil"); return strings.Contains(hostile, "evil") })
	if strings.ContainsAny(hostile, "\x1b\a") || !strings.Contains(hostile, `\x1b]0;evil\a`) {
		t.Errorf("the path of a request with status %d is printed as %q", a.status, hostile)
	}
	if code, out := s.hopline("logs", "--console-port", s.consolePort(), "--level", "loud"); code != 2 || !strings.Contains(out, `hopline: level: want debug, info, warn, error, fatal, got "loud"`) {
		t.Errorf("--level loud: exit code %d, %s", code, out)
	}
}
