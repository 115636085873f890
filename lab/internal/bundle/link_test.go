package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestLink: all services are one file with the suite, also those that were programs of their own.
func TestLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := Link(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a suite: %v", err)
	}
	for name, content := range map[string]string{Suite: "all", "core": "an older one"} {
		if err := os.WriteFile(filepath.Join(dir, name+Suffix()), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time there is nothing to do
		if err := Link(dir); err != nil {
			t.Fatal(err)
		}
		suite := stat(t, filepath.Join(dir, Suite+Suffix()))
		for _, name := range Services() {
			if program := stat(t, filepath.Join(dir, name+Suffix())); !os.SameFile(program, suite) {
				t.Errorf("%s is another file than the suite", name)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(Services())+1 {
		t.Errorf("%d files, %v; want the suite and a name for each service", len(entries), err)
	}
}

// TestLinkFollowsTheSuite: a suite that was built again replaces the links to the one before.
func TestLinkFollowsTheSuite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, content := range []string{"first", "second"} {
		built := filepath.Join(dir, "built")
		if err := os.WriteFile(built, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(built, filepath.Join(dir, Suite+Suffix())); err != nil { // as the go command does
			t.Fatal(err)
		}
		if err := Link(dir); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "core"+Suffix())); err != nil || string(got) != content {
			t.Errorf("core holds %q, %v; want %q", got, err, content)
		}
	}
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}
