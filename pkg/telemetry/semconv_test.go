package telemetry

import "testing"

// TestMethod: all methods outside the standards become one label.
func TestMethod(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{"GET": "GET", "PATCH": "PATCH", "get": "GET", "BREW": "_OTHER", "": "_OTHER"} {
		if got := Method(method); got != want {
			t.Errorf("%q is %q, wanted %q", method, got, want)
		}
	}
}
