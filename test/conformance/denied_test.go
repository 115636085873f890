package conformance

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// TestDenied: core's AuthorizationPolicy does not list the path of the slow page, so core's sidecar responds with 403. The other paths, and
// the callers, are as in the other overlays.
func TestDenied(t *testing.T) {
	t.Parallel()
	overlaid(t, "denied")
	policyIsActive(t)
	for _, user := range []string{"", "betaUser"} { // core-prod and core-test
		for path, want := range map[string]int{"/slow-page": 403, "/hops": 200, "/fast-page": 200} {
			a := get(t, page(path), headers{"x-dev-user": user})
			if a.StatusCode != want || (want == 403) != strings.HasSuffix(a.body, "RBAC: access denied") {
				t.Errorf("%s for user %q: %d %q, wanted %d", path, user, a.StatusCode, a.body, want)
			}
		}
	}
}

// policyIsActive waits on a cluster until core's sidecars use the policy for every connection. Envoy keeps an open connection with the rules
// that it had, and closes it within 45 s of a change (Istio's drainDuration).
func policyIsActive(t *testing.T) {
	t.Helper()
	if engine, err := atHand(); err != nil || engine != istio {
		return
	}
	var all sync.WaitGroup
	defer all.Wait()
	for _, user := range []string{"", "betaUser"} {
		all.Go(func() {
			rejected := 0
			eventually(90*time.Second, func() bool {
				if a, err := send("GET", page("/slow-page"), headers{"x-dev-user": user}, ""); err == nil && a.StatusCode == 403 {
					rejected++
				} else {
					rejected = 0
				}
				return rejected == 10 // in a row: there are several connections
			})
		})
	}
}
