package conformance

import (
	"strings"
	"testing"
	"time"
)

// TestTimeout: middle waits one second for core. Core's slow function takes three, so the slow page returns 504 after one.
func TestTimeout(t *testing.T) {
	t.Parallel()
	overlaid(t, "timeout")
	for _, user := range []string{"", "betaUser"} {
		t.Run(or(user, "none"), func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			a := get(t, page("/slow-page"), headers{"x-dev-user": user})
			took := time.Since(begun)
			if a.StatusCode != 504 || !strings.HasSuffix(a.body, "upstream request timeout") {
				t.Errorf("%d %q, wanted 504 upstream request timeout", a.StatusCode, a.body)
			}
			if took < 990*time.Millisecond || took > 3*time.Second {
				t.Errorf("took %v, wanted the timeout of 1s, and less than the 3s of core", took)
			}
			if b := get(t, page("/hops"), headers{"x-dev-user": user}); b.StatusCode != 200 {
				t.Errorf("/hops: %d %s, wanted 200", b.StatusCode, b.body)
			}
		})
	}
}
