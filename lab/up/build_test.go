package up

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/bundle"
)

// checkout returns a small workspace with one service.
func checkout(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.work":                         "go 1.26.0\n\nuse ./services/hello\n",
		"services/hello/go.mod":           "module example.org/hello\n\ngo 1.26.0\n",
		"services/hello/main.go":          "package main\n\nfunc main() {}\n",
		"services/hello/main_test.go":     "package main\n",
		"services/hello/web/page.html":    "<p>",
		"services/hello/testdata/big.txt": "data",
		"pkg/pkg.go":                      "package pkg\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestAutoBuildsWhatIsMissingOrOlderThanItsSource(t *testing.T) {
	t.Parallel()
	root := checkout(t)
	var said []string
	b := builder{root: root, bin: filepath.Join(root, "bin"), when: BuildAuto, say: func(format string, _ ...any) { said = append(said, format) }}
	built := func() bool {
		t.Helper()
		said = nil
		if err := b.build(t.Context(), []string{"hello", "of-someone-else"}); err != nil {
			t.Fatal(err)
		}
		return len(said) > 0
	}
	if !built() {
		t.Error("a missing program was not built")
	}
	if built() {
		t.Error("a program as new as its source was built again")
	}
	later := time.Now().Add(time.Hour)
	for file, want := range map[string]bool{
		"services/hello/main_test.go": false, "services/hello/testdata/big.txt": false,
		"services/hello/web/page.html": true, "pkg/pkg.go": true, "services/hello/go.mod": true, "go.work": true,
	} {
		path := filepath.Join(root, file)
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
		if got := b.needed("hello"); got != want {
			t.Errorf("after a change of %s a build is needed: %t, want %t", file, got, want)
		}
		if err := os.Chtimes(path, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	b.when = BuildNever
	if err := os.RemoveAll(b.bin); err != nil {
		t.Fatal(err)
	}
	if built() {
		t.Error("built although --build is never")
	}
}

func TestABuildThatFailsTellsWhatTheCompilerSaid(t *testing.T) {
	t.Parallel()
	root := checkout(t)
	if err := os.WriteFile(filepath.Join(root, "services/hello/main.go"), []byte("package main\n\nfunc main() { nothing() }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := builder{root: root, bin: filepath.Join(root, "bin"), when: BuildAuto, say: func(string, ...any) {}}
	err := b.build(t.Context(), []string{"hello"})
	if err == nil || !strings.Contains(err.Error(), "building hello") || !strings.Contains(err.Error(), "undefined: nothing") {
		t.Errorf("error %v", err)
	}
}

// TestServicesAreBuiltAsOneProgram: one service that is missing gives all of them, as one file.
func TestServicesAreBuiltAsOneProgram(t *testing.T) {
	t.Parallel()
	root := checkout(t)
	for name, text := range map[string]string{
		"go.work":                "go 1.26.0\n\nuse (\n\t./services/hello\n\t./services/suite\n)\n",
		"services/suite/go.mod":  "module example.org/suite\n\ngo 1.26.0\n",
		"services/suite/main.go": "package main\n\nfunc main() {}\n",
		"services/core/core.go":  "package core\n",
		"services/front/web.js":  "//",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := builder{root: root, bin: filepath.Join(root, "bin"), when: BuildAuto, say: func(string, ...any) {}}
	if err := b.build(t.Context(), []string{"core", "hello"}); err != nil {
		t.Fatal(err)
	}
	var files []os.FileInfo
	for _, name := range []string{"core", "front", "hello"} {
		info, err := os.Stat(filepath.Join(b.bin, name+bundle.Suffix()))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, info)
	}
	if !os.SameFile(files[0], files[1]) || os.SameFile(files[0], files[2]) {
		t.Error("want core and front as one file, and hello as another")
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(root, "services/front/web.js"), later, later); err != nil {
		t.Fatal(err)
	}
	if !b.needed("core") {
		t.Error("a change of front needs no build of the program that is core too")
	}
}
