package istio

import "testing"

func TestVisibleFrom(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][2]bool{ // from the owner's namespace, from another one
		"": {true, true}, "*": {true, true}, ".": {true, false}, "~": {false, false}, "two": {false, true}, "., two": {true, true},
	} {
		list := ParseExportTo(value)
		if got := [2]bool{VisibleFrom(list, "one", "one"), VisibleFrom(list, "one", "two")}; got != want {
			t.Errorf("exportTo %q: got %t, want %t", value, got, want)
		}
	}
}
