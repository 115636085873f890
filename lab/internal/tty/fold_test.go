package tty

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text        string
		width       int
		first, rest string
		want        []string
	}{
		{"  one two  three", 80, "", "  ", []string{"one two three"}},
		{"one two three four", 9, "", "", []string{"one two", "three", "four"}},
		{"one two three", 9, "  ", "    ", []string{"  one two", "    three"}},
		{"longerthanaline", 5, "", "  ", []string{"longerthanaline"}},
		{"äöü äöü", 7, "", "", []string{"äöü äöü"}}, // characters, not bytes
		{"  ", 7, "", "", nil},
	} {
		if diff := cmp.Diff(c.want, Fold(c.text, c.width, c.first, c.rest)); diff != "" {
			t.Errorf("%q in %d (-want +got):\n%s", c.text, c.width, diff)
		}
	}
}
