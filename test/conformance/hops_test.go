package conformance

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

const took = `took \([0-9.]+ ms\) `

// TestHopLines holds the text of GET /hops, line by line, with a clock at the end and with an outside time source.
func TestHopLines(t *testing.T) {
	t.Parallel()
	for user, lines := range map[string][]string{
		"": {
			`^` + took + `front-(amber|blue|green) --getRespondFrom--> http://middle/hops$`,
			`^` + took + `middle-[a-z]+ --getRespondFrom--> http://core/hops$`,
			`^` + took + `core-prod --getRespondFrom--> http://worldtimeapi\.org/api/timezone/Asia/Jakarta at \S+$`,
		},
		"stressTest": {
			`^` + took + `front-(amber|blue|green) --getRespondFrom--> http://middle/hops$`,
			`^` + took + `middle-[a-z]+ --getRespondFrom--> http://core/hops$`,
			`^` + took + `core-test --getRespondFrom--> http://clock/time$`,
			`^` + took + `clock-prod at \S+$`,
		},
	} {
		t.Run(or(user, "none"), func(t *testing.T) {
			want, ok := rules[*overlay][user]
			if !ok {
				want = rules[*overlay][""]
			}
			if (want.time == "clock") != (len(lines) == 4) {
				t.Skipf("in overlay %s this user meets %s: the other case covers it", *overlay, want.time)
			}
			a := get(t, "/demo-app/hops", map[string]string{"x-dev-user": user})
			got := strings.Split(strings.TrimSuffix(a.body, "\n"), "\n")
			if len(got) != len(lines) {
				t.Fatalf("%d lines, wanted %d:\n%s", len(got), len(lines), a.body)
			}
			for i, pattern := range lines {
				if !regexp.MustCompile(pattern).MatchString(got[i]) {
					t.Errorf("line %d is %q, wanted %s", i+1, got[i], pattern)
				}
			}
			_, at, _ := strings.Cut(got[len(got)-1], " at ")
			told, err := time.Parse(time.RFC3339Nano, at)
			if err != nil || time.Since(told).Abs() > time.Minute {
				t.Errorf("the time told is %q (%v), wanted now", at, err)
			}
		})
	}
}

// TestHopJSON: the same as JSON, whose durations nest.
func TestHopJSON(t *testing.T) {
	t.Parallel()
	a := get(t, "/demo-app/hops", map[string]string{"Accept": "application/json"})
	h, err := decode[hops](a)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(h.TraceID) {
		t.Errorf("trace_id %q, wanted 32 hex digits", h.TraceID)
	}
	if h.TraceID != a.Header.Get("x-b3-traceid") {
		t.Errorf("trace_id %q, the header says %q", h.TraceID, a.Header.Get("x-b3-traceid"))
	}
	for i, service := range []string{"front", "middle", "core"} {
		if i >= len(h.Hops) || h.Hops[i].Service != service || h.Hops[i].Code != 200 {
			t.Fatalf("hop %d is not %s with 200: %s", i+1, service, a.body)
		}
		if !strings.HasPrefix(h.Hops[i].Host, service+"-"+h.Hops[i].Version+"-") {
			t.Errorf("hop %d: host %q is no pod of %s-%s", i+1, h.Hops[i].Host, service, h.Hops[i].Version)
		}
		if i > 0 && h.Hops[i].Duration > h.Hops[i-1].Duration {
			t.Errorf("hop %d took %v ms, longer than its caller's %v", i+1, h.Hops[i].Duration, h.Hops[i-1].Duration)
		}
	}
	if h.Time["datetime"] == nil && h.Time["utc_datetime"] == nil {
		t.Errorf("no time of the time source: %v", h.Time)
	}
}

// TestServedBy: every answer says who gave it.
func TestServedBy(t *testing.T) {
	t.Parallel()
	if by := get(t, "/demo-app/hello", nil).Header.Get("x-served-by"); !regexp.MustCompile(`^front-(amber|blue|green)/front-`).MatchString(by) {
		t.Errorf("x-served-by %q, wanted front-<version>/<pod>", by)
	}
}
