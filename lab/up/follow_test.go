package up

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

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
	if got, want := saved("canary", []string{old}, now, now), "canary is live as it stands now"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
