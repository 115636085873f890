package conformance

import (
	"strings"
	"testing"
)

// TestDenied: core's AuthorizationPolicy does not list the path of the slow page, so core's sidecar responds with 403. The other paths, and
// the callers, are as in the other overlays.
func TestDenied(t *testing.T) {
	t.Parallel()
	overlaid(t, "denied")
	for _, user := range []string{"", "betaUser"} { // core-prod and core-test
		for path, want := range map[string]int{"/slow-page": 403, "/hops": 200, "/fast-page": 200} {
			a := get(t, page(path), headers{"x-dev-user": user})
			if a.StatusCode != want || (want == 403) != strings.HasSuffix(a.body, "RBAC: access denied") {
				t.Errorf("%s for user %q: %d %q, wanted %d", path, user, a.StatusCode, a.body, want)
			}
		}
	}
}
