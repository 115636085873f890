package overlay

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/overlay/snapshot"
)

// write creates a file and its directories.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// small creates an overlay of a ConfigMap over a base with another.
func small(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "base/kustomization.yaml"), "resources: [a.yaml]\n")
	write(t, filepath.Join(root, "base/a.yaml"), configMap("a", "1"))
	write(t, filepath.Join(root, "top/kustomization.yaml"), "resources: [../base, b.yaml]\n")
	write(t, filepath.Join(root, "top/b.yaml"), configMap("b", "1"))
	return root
}

func configMap(name, value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {k: \"" + value + "\"}\n"
}

func watch(t *testing.T, o *Overlay) *snapshot.Watcher {
	t.Helper()
	w, err := snapshot.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := w.Watch(o.Sums()); err != nil {
		t.Fatal(err)
	}
	return w
}

// noticed waits for a change and logs how long it took.
func noticed(t *testing.T, w *snapshot.Watcher, what string) {
	t.Helper()
	start := time.Now()
	select {
	case <-w.Changes():
		t.Logf("%s: noticed after %v", what, time.Since(start).Round(time.Millisecond))
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: not noticed", what)
	}
}

func load(t *testing.T, dir string) *Overlay {
	t.Helper()
	o, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestWatcherNoticesEveryWayToSave(t *testing.T) {
	t.Parallel()
	root := small(t)
	w := watch(t, load(t, filepath.Join(root, "top")))
	file := filepath.Join(root, "base/a.yaml")

	write(t, file, configMap("a", "2"))
	noticed(t, w, "written in place")

	write(t, file+".swp", configMap("a", "3"))
	if err := os.Rename(file+".swp", file); err != nil {
		t.Fatal(err)
	}
	noticed(t, w, "another renamed over it")

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	noticed(t, w, "deleted")
	write(t, file, configMap("a", "4"))
	noticed(t, w, "back again")

	if err := os.RemoveAll(filepath.Join(root, "base")); err != nil {
		t.Fatal(err)
	}
	noticed(t, w, "deleted with its directory")
	write(t, file, configMap("a", "5"))
	noticed(t, w, "back with its directory")
	write(t, file, configMap("a", "6"))
	noticed(t, w, "written once more")
}

// A directory of rules is replaced through one symbolic link, or, as Kubernetes does with a mounted ConfigMap, through a link that others
// point to.
func TestWatcherNoticesALinkThatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	root, err := filepath.EvalSymlinks(small(t))
	if err != nil {
		t.Fatal(err)
	}
	link := func(target, path string) {
		t.Helper()
		_ = os.Remove(path)
		if err := os.Symlink(target, path); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	write(t, filepath.Join(root, "next/kustomization.yaml"), "resources: [../base]\n")
	link("top", filepath.Join(root, "now"))
	w := watch(t, load(t, filepath.Join(root, "now")))
	link("next", filepath.Join(root, "now"))
	noticed(t, w, "the overlay's own link")

	for _, version := range []string{"1", "2"} {
		write(t, filepath.Join(root, "mount", version, "kustomization.yaml"), "resources: [a.yaml]\n")
		write(t, filepath.Join(root, "mount", version, "a.yaml"), configMap("a", version))
	}
	link("1", filepath.Join(root, "mount/data"))
	link("data/kustomization.yaml", filepath.Join(root, "mount/kustomization.yaml"))
	link("data/a.yaml", filepath.Join(root, "mount/a.yaml"))
	w = watch(t, load(t, filepath.Join(root, "mount")))
	link("2", filepath.Join(root, "mount/data"))
	noticed(t, w, "a link in the middle")
}

// TestWatcherIsSilentWhenNothingChanged checks that an unchanged file is not reported. The absence of a report cannot be waited for, so a
// real change follows, and only that one may be reported.
func TestWatcherIsSilentWhenNothingChanged(t *testing.T) {
	t.Parallel()
	root := small(t)
	w := watch(t, load(t, filepath.Join(root, "top")))
	file := filepath.Join(root, "top/b.yaml")

	write(t, file, configMap("b", "1"))
	write(t, filepath.Join(root, "top/notes.txt"), "of no concern")
	if err := os.Chtimes(file, time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.Changes():
		t.Fatal("reported a change where there was none")
	case <-time.After(750 * time.Millisecond):
	}
	write(t, file, configMap("b", "2"))
	noticed(t, w, "a real change")
}

func TestWatcherTellsOfASaveBetweenLoadAndWatch(t *testing.T) {
	t.Parallel()
	root := small(t)
	o := load(t, filepath.Join(root, "top"))
	write(t, filepath.Join(root, "top/b.yaml"), configMap("b", "9")) // of the same length
	noticed(t, watch(t, o), "saved before Watch")
}

func TestWatcherTellsOfABurstOnce(t *testing.T) {
	t.Parallel()
	root := small(t)
	w := watch(t, load(t, filepath.Join(root, "top")))
	for i := range 200 {
		write(t, filepath.Join(root, "top/b.yaml"), configMap("b", time.Duration(i).String()))
	}
	noticed(t, w, "burst")
	select {
	case <-w.Changes():
		// Allowed if the burst took longer than the 250*time.Millisecond wait; then it is the last.
		select {
		case <-w.Changes():
			t.Error("reported one burst three times")
		case <-time.After(2 * 250 * time.Millisecond):
		}
	case <-time.After(2 * 250 * time.Millisecond):
	}
}

func TestWatcherWaitsForABrokenOverlayToBeMended(t *testing.T) {
	t.Parallel()
	root := small(t)
	top := filepath.Join(root, "top")
	write(t, filepath.Join(top, "kustomization.yaml"), "resources: [../base, b.yaml, c.yaml]\n")
	o, err := Load(top)
	if err == nil {
		t.Fatal("loaded an overlay with a missing file")
	}
	w := watch(t, o)
	write(t, filepath.Join(top, "c.yaml"), configMap("c", "1"))
	noticed(t, w, "the missing file came")
	load(t, top)
}

func TestWatcherWaitsForAnOverlayThatIsNotThere(t *testing.T) {
	t.Parallel()
	root := small(t)
	missing := filepath.Join(root, "not/yet")
	o, err := Load(missing)
	if err == nil {
		t.Fatal("loaded a missing overlay")
	}
	w := watch(t, o)
	write(t, filepath.Join(missing, "kustomization.yaml"), "resources: [../../base]\n")
	noticed(t, w, "the overlay came")
	load(t, missing)
}

func TestWatchReplacesWhatWasWatched(t *testing.T) {
	t.Parallel()
	root, other := small(t), small(t)
	w := watch(t, load(t, filepath.Join(root, "top")))
	if err := w.Watch(load(t, filepath.Join(other, "top")).Sums()); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "top/b.yaml"), configMap("b", "2"))
	select {
	case <-w.Changes():
		t.Error("reported a file that is no longer watched")
	case <-time.After(750 * time.Millisecond):
	}
	write(t, filepath.Join(other, "top/b.yaml"), configMap("b", "2"))
	noticed(t, w, "the new overlay's file")
}

func TestClosedWatcherSaysSo(t *testing.T) {
	t.Parallel()
	w, err := snapshot.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, open := <-w.Changes(); open {
		t.Error("Changes is not closed")
	}
	if err := w.Watch(nil); !errors.Is(err, snapshot.ErrClosed) {
		t.Errorf("Watch gave %v, want %v", err, snapshot.ErrClosed)
	}
}
