package load

import (
	"strings"
	"testing"
	"time"
)

func TestConditionsAreChecked(t *testing.T) {
	t.Parallel()
	rec := newRecorder(newPlan(10, 0, time.Minute, 0, 0), nil)
	for i := range 100 {
		rec.add(outcome{latency: time.Duration(i+1) * time.Millisecond, code: 200})
	}
	rec.add(outcome{latency: time.Second, code: 503})
	for text, want := range map[string]bool{
		"p50>52ms": false, "p50>=51ms": true, "p50<52ms": true, "p99>98ms": true, "p99>250ms": false, "p99.9>250ms": true, "p100>=1s": true,
		"max>999ms": true, "max>1s": false, "mean<61ms": true, "mean>61ms": false,
		"errors>0": true, "errors>1": false, "errors>0.1%": true, "errors>1%": false, "errors<1%": true, "errors>=1": true,
		"rate<45": true, "rate>45": false, " p99 > 98ms ": true,
	} {
		c, err := parseCondition(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := c.check(rec, 44.5); got.Holds != want {
			t.Errorf("%q holds: %v, want %v (%s)", text, got.Holds, want, got.Text)
		}
	}
}

func TestConditionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "p99", "p99>", "p99=3ms", "p99>fast", "p99>-3ms", "p101>3ms", "p>3ms", "errors>x", "errors>101%", "errors>-1", "rate>x", "rate>NaN", "latency>3ms", "p99>250ms and more"} {
		if _, err := parseCondition(text); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
