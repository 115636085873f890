package lesson

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMismatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, want, got, differs string }{
		{"equal", "a\nb", "a\nb", ""},
		{"other blanks", "a  b", "  a b ", ""},
		{"text that varies", "took (… ms) front-… --> middle", "took (12 ms) front-blue --> middle", ""},
		{"no text where text varies", "a…b", "ab", ""},
		{"lines that vary", "…\nb\n…", "x\ny\nb", ""},
		{"no line where lines vary", "…\nb\n…", "b", ""},
		{"all lines vary", "…", "", ""},
		{"it tries later lines", "…\na\nb", "a\nx\na\nb", ""},
		{"signs of expressions are text", "a.c (x) [1]", "abc (x) [1]", "- a.c (x) [1]\n+ abc (x) [1]"},
		{"another line", "a\nb\nc", "a\nx\nc", "  a\n- b\n+ x\n+ c"},
		{"a line too few", "a\nb", "a", "  a\n- b"},
		{"a line too many", "a", "a\nb", "  a\n+ b"},
		{"nothing came", "a", "", "- a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(mismatch(split(c.want), split(c.got)), "\n"); got != c.differs {
				t.Errorf("got\n%s\nwant\n%s", got, c.differs)
			}
		})
	}
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// Output fits itself, also where parts of the expected text are replaced by …, and does not fit once a line is different.
func TestMismatchIsTrue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		got := rapid.SliceOfN(rapid.StringMatching(`[ab.]{1,4}( [ab(]{1,3})?`), 1, 8).Draw(t, "output")
		want := slices.Clone(got)
		for i := range want {
			switch rapid.IntRange(0, 3).Draw(t, "how") {
			case 0:
				at := rapid.IntRange(0, len(want[i])).Draw(t, "at")
				want[i] = want[i][:at] + anything
			case 1:
				want[i] = anything
			}
		}
		if lines := mismatch(want, got); lines != nil {
			t.Fatalf("%q does not fit %q: %q", got, want, lines)
		}
		if lines := mismatch(append(want, "zzz"), got); lines == nil {
			t.Fatalf("%q fits %q and a line that is not there", got, want)
		}
	})
}
