package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hopline/hopline/deploy"
	"github.com/hopline/hopline/lab/internal/usage"
)

// The tests set the location of the user's cache, so they do not run in parallel.

func setCache(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, dir)
	}
}

func TestOverlaysAreTheShippedOnes(t *testing.T) {
	setCache(t)
	dir, err := Overlays()
	if err != nil {
		t.Fatal(err)
	}
	got, want := files(t, os.DirFS(dir)), files(t, deploy.Files)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%d files in the cache, want %d, with the same contents", len(got), len(want))
	}
	again, err := Overlays()
	if err != nil || again != dir {
		t.Errorf("the second call returned %q, %v, want %q", again, err, dir)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "part-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestNames(t *testing.T) {
	names, err := Names()
	if err != nil || !slices.Contains(names, "canary") || !slices.IsSorted(names) {
		t.Errorf("Names() = %v, %v", names, err)
	}
}

func TestInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mine")
	if err := Init(dir); err != nil {
		t.Fatal(err)
	}
	rule := filepath.Join(dir, "overlays", "canary", "kustomization.yaml")
	info, err := os.Stat(rule)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o200 == 0 {
		t.Errorf("%s cannot be edited: %v", rule, info.Mode())
	}
	err = Init(dir)
	if err == nil || !strings.Contains(err.Error(), "want a new or empty directory") {
		t.Errorf("Init of a directory with files in it returned %v", err)
	}
}

func TestUnpackTakesPlainFilesOnly(t *testing.T) {
	for _, name := range []string{"../front", "a/front", "/front", "..", "."} {
		if err := unpack(archive(t, &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 1}), t.TempDir()); err == nil {
			t.Errorf("an archive with the file %q was unpacked", name)
		}
	}
	if err := unpack(archive(t, &tar.Header{Typeflag: tar.TypeSymlink, Name: "front", Linkname: "/bin/sh"}), t.TempDir()); err == nil {
		t.Error("an archive with a symbolic link was unpacked")
	}
	dir := t.TempDir()
	if err := unpack(archive(t, &tar.Header{Typeflag: tar.TypeReg, Name: "front", Size: 1}), dir); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "front"))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("front: %v, %v", info, err)
	}
}

// archive returns a tar.gz archive with one entry, of one byte if it is a file.
func archive(t *testing.T, header *tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	entries := tar.NewWriter(zipped)
	if err := entries.WriteHeader(header); err != nil {
		t.Fatal(err)
	}
	if header.Size > 0 {
		if _, err := entries.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := entries.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// files lists the files below base, components and overlays, each as its path and its content.
func files(t *testing.T, in fs.FS) []string {
	t.Helper()
	var all []string
	entries, err := fs.ReadDir(deploy.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, top := range entries {
		err := fs.WalkDir(in, top.Name(), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := fs.ReadFile(in, path)
			all = append(all, path+"\n"+string(content))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestFind(t *testing.T) {
	setCache(t)
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine")
	if err := Init(mine); err != nil {
		t.Fatal(err)
	}
	checkout := filepath.Join(dir, "checkout")
	if err := Init(filepath.Join(checkout, "deploy")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(checkout, "deploy", "overlays", "new"), 0o755); err != nil {
		t.Fatal(err)
	}
	carried, err := Overlays()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ arg, checkout, want string }{
		{mine, "", filepath.Join(mine, "overlays", "canary")},
		{filepath.Join(mine, "overlays", "retry"), "", filepath.Join(mine, "overlays", "retry")},
		{"", "", filepath.Join(carried, "overlays", "canary")},
		{"retry", "", filepath.Join(carried, "overlays", "retry")},
		{"", checkout, filepath.Join(checkout, "deploy", "overlays", "canary")},
		{"new", checkout, filepath.Join(checkout, "deploy", "overlays", "new")},
		{"typo", checkout, filepath.Join(checkout, "deploy", "overlays", "typo")}, // so that the existing ones can be listed
		{"typo", "", "typo"},
		{"a/typo", "", "a/typo"},
	} {
		got, err := find(c.arg, c.checkout)
		if err != nil {
			t.Fatal(err)
		}
		if abs, want := absolute(t, got), absolute(t, c.want); abs != want {
			t.Errorf("find(%q, %q) = %s, want %s", c.arg, c.checkout, abs, want)
		}
	}
	if got, err := find("canry", ""); !usage.Is(err) || !strings.HasSuffix(err.Error(), "; did you mean canary?") {
		t.Errorf(`find("canry", "") = %s, %v, want an error that suggests canary`, got, err)
	}
	for path, want := range map[string]string{filepath.Join(carried, "overlays", "retry"): "retry of hopline", mine: FromHere(mine), "typo": "typo"} {
		if got := Shown(path); got != want {
			t.Errorf("Shown(%s) = %s, want %s", path, got, want)
		}
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func TestWorkspaceIsTheNearestAbove(t *testing.T) {
	root := t.TempDir()
	inside := filepath.Join(root, "services", "hello", "web")
	if err := os.MkdirAll(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "go.work"), []byte("go 1.26.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := Workspace(inside); got != root {
		t.Errorf("workspace %q, want %q", got, root)
	}
	if runtime.GOOS != "windows" {
		if got := Workspace("/"); got != "" {
			t.Errorf("workspace of / is %q", got)
		}
	}
}
