package up

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// TestWarningsAreNotRepeated checks that a saved file does not print the warnings again that are on the screen already.
func TestWarningsAreNotRepeated(t *testing.T) {
	t.Parallel()
	with := func(files ...string) edition {
		o := &overlay.Overlay{EmptyFiles: files}
		table, err := mesh.Compile(o)
		if err != nil {
			t.Fatal(err)
		}
		return edition{overlay: o, table: table}
	}
	got := spoken(tty.Screen{}, false, func(terminal *terminal) {
		l := lab{terminal: terminal}
		l.warn(with("a.yaml"))
		l.warn(with("a.yaml", "b.yaml"))
		l.warn(with("b.yaml"))
		l.warn(with("a.yaml", "b.yaml"))
	})
	const empty = ": holds no object, so the objects that were in it are removed\n"
	if diff := cmp.Diff("! a.yaml"+empty+"! b.yaml"+empty+"! a.yaml"+empty, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestSavedNamesTheFileThatWasSavedLast(t *testing.T) {
	t.Parallel()
	now := time.Now()
	file := func(name string, age time.Duration) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old, fresh := file("base.yaml", time.Hour), file("middle.yaml", 300*time.Millisecond)
	if got, want := saved("canary", []string{old, fresh, "gone.yaml"}, now.Add(-200*time.Millisecond), now), fresh+" is live, 300 ms after it was saved"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := saved("canary", []string{old}, now, now), "canary is live in its current state"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
