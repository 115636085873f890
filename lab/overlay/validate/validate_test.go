package validate

import "testing"

func TestIsFQDN(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"a": true, "a.b": true, "a.b.": true, "A-1.b": true, "": false, "a..b": false, "-a.b": false, "a.1": false, "*.a": false, "a_b": false,
	} {
		if got := isFQDN(name); got != want {
			t.Errorf("isFQDN(%q) = %v, want %v", name, got, want)
		}
	}
}
