package conformance

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// hops is the JSON of GET /hops.
type hops struct {
	TraceID string         `json:"trace_id"`
	Hops    []hop          `json:"hops"`
	Time    map[string]any `json:"time"`
}

type hop struct {
	Service  string  `json:"service"`
	Version  string  `json:"version"`
	Host     string  `json:"host"`
	Upstream string  `json:"upstream"`
	Duration float64 `json:"duration_ms"`
	Code     int     `json:"code"`
}

// TestHopLines checks the text of GET /hops, line by line, with a clock at the end and with an outside time source.
func TestHopLines(t *testing.T) {
	t.Parallel()
	const took = `took \([0-9.]+ ms\) `
	for _, user := range []string{"", "betaUser", "stressTest"} {
		t.Run(or(user, "none"), func(t *testing.T) {
			t.Parallel()
			lines := []string{
				took + `front-(` + strings.Join(fronts(), "|") + `) --getRespondFrom--> http://middle/hops`,
				took + `middle-(prod|canary|dev) --getRespondFrom--> http://core/hops`,
			}
			if wanted(user).time == clock {
				lines = append(lines, took+`core-test --getRespondFrom--> http://clock/time`, took+`clock-prod at \S+`)
			} else {
				lines = append(lines, took+`core-prod --getRespondFrom--> http://worldtimeapi\.org/api/timezone/Asia/Jakarta at \S+`)
			}
			a := get(t, page("/hops"), headers{"x-dev-user": user})
			got := strings.Split(strings.TrimSuffix(a.body, "\n"), "\n")
			if len(got) != len(lines) {
				t.Fatalf("%d lines, wanted %d:\n%s", len(got), len(lines), a.body)
			}
			for i, pattern := range lines {
				if !regexp.MustCompile("^" + pattern + "$").MatchString(got[i]) {
					t.Errorf("line %d is %q, wanted %s", i+1, got[i], pattern)
				}
			}
			_, at, _ := strings.Cut(got[len(got)-1], " at ")
			told, err := time.Parse(time.RFC3339Nano, at)
			if err != nil || time.Since(told).Abs() > time.Minute {
				t.Errorf("the time is %q (%v), wanted now", at, err)
			}
		})
	}
}

// timeKeys are the keys of worldtimeapi.org's response.
var timeKeys = strings.Fields("abbreviation client_ip datetime day_of_week day_of_year dst dst_from dst_offset dst_until " +
	"raw_offset timezone unixtime utc_datetime utc_offset week_number")

// TestHopJSON: the same as JSON, with durations that nest and the time source's own JSON.
func TestHopJSON(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"", "stressTest"} {
		t.Run(or(user, "none"), func(t *testing.T) {
			t.Parallel()
			a := get(t, page("/hops"), headers{"Accept": "application/json", "x-dev-user": user})
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
					t.Errorf("hop %d: host %q is not a pod of %s-%s", i+1, h.Hops[i].Host, service, h.Hops[i].Version)
				}
				if i > 0 && h.Hops[i].Duration > h.Hops[i-1].Duration {
					t.Errorf("hop %d took %v ms, longer than its caller's %v", i+1, h.Hops[i].Duration, h.Hops[i-1].Duration)
				}
			}
			if keys := slices.Sorted(maps.Keys(h.Time)); wanted(user).time == outside && !slices.Equal(keys, timeKeys) {
				t.Errorf("time has the keys %v, wanted worldtimeapi's %v", keys, timeKeys)
			}
			if _, err := json.Marshal(h.Time); err != nil || len(h.Time) == 0 {
				t.Errorf("no time of the time source: %v, %v", h.Time, err)
			}
		})
	}
}

// TestServedBy: every response of a service names the service that sent it, errors included.
func TestServedBy(t *testing.T) {
	t.Parallel()
	want := regexp.MustCompile(`^front-(` + strings.Join(fronts(), "|") + `)/front-`)
	for _, path := range []string{"/hello", "/fast-page", "/nowhere"} {
		if by := get(t, page(path), nil).Header.Get("x-served-by"); !want.MatchString(by) {
			t.Errorf("%s: x-served-by %q, wanted front-<version>/<pod>", path, by)
		}
	}
}
