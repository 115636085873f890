package telemetry

import "testing"

// TestMethod: what is no method of the standards is one label.
func TestMethod(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{"GET": "GET", "PATCH": "PATCH", "get": "GET", "BREW": "_OTHER", "": "_OTHER"} {
		if got := Method(method); got != want {
			t.Errorf("%q is %q, wanted %q", method, got, want)
		}
	}
}
