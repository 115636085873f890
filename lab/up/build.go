package up

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/bundle"
)

// Build selects when the programs are built before they are run.
type Build string

// The values of --build.
const (
	BuildAuto   Build = "auto"   // those that are missing or older than their source
	BuildAlways Build = "always" // all
	BuildNever  Build = "never"  // none
)

// builder builds programs from the source of a checkout.
type builder struct {
	root string // the checkout; if "", there is no source
	bin  string // directory for the built programs
	when Build
	say  func(format string, args ...any)
}

// build builds the programs that when selects and that the checkout has source for. It skips a program without source; starting that
// program later reports the error.
func (b builder) build(ctx context.Context, programs []string) error {
	if b.root == "" || b.when == BuildNever {
		return nil
	}
	var stale []string
	for _, name := range programs {
		if b.needed(name) {
			stale = append(stale, name)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("%s in %s must be built, and the go command is not found; install Go, or run the lab where they are built with --build=never",
			strings.Join(stale, ", "), b.bin)
	}
	b.say("building %s", strings.Join(stale, ", "))
	begun := time.Now()
	if err := bundle.Build(ctx, b.root, b.bin, sourcesOf(stale)...); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("building %s: %w", strings.Join(stale, ", "), err)
	}
	b.say("built in %.1f s", time.Since(begun).Seconds())
	return nil
}

// sourcesOf returns the directories of the checkout with the sources of programs. One program, suite, is all services of the overlays.
func sourcesOf(programs []string) []string {
	var sources []string
	for _, name := range programs {
		if slices.Contains(bundle.Services(), name) {
			name = bundle.Suite
		}
		if source := "services/" + name; !slices.Contains(sources, source) {
			sources = append(sources, source)
		}
	}
	return sources
}

// missing builds the programs that do not exist.
func (b builder) missing(ctx context.Context, programs []string) error {
	return b.build(ctx, slices.DeleteFunc(programs, func(name string) bool { return holds(b.bin, name) }))
}

// needed reports whether a program must be built. Its source is services, pkg and go.work.
func (b builder) needed(name string) bool {
	source := filepath.Join(b.root, "services", name)
	if info, err := os.Stat(source); err != nil || !info.IsDir() {
		return false
	}
	program, err := os.Stat(filepath.Join(b.bin, name+bundle.Suffix()))
	if err != nil || b.when == BuildAlways {
		return true
	}
	inputs := []string{filepath.Dir(source), filepath.Join(b.root, "pkg"), filepath.Join(b.root, "go.work")}
	return slices.ContainsFunc(inputs, func(path string) bool { return newer(path, program.ModTime()) })
}

// newer reports whether a file at or below a path was changed after than. Tests are ignored: no program contains them.
func newer(path string, than time.Time) bool {
	found := false
	_ = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || strings.HasSuffix(file, "_test.go") {
			return nil //nolint:nilerr // an unreadable file is not a reason to build
		}
		if entry.IsDir() && entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if entry.IsDir() {
			return nil
		}
		if info, err := entry.Info(); err == nil && info.ModTime().After(than) {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// programs returns the directory of the services' programs, and the checkout that they are built from, or "" if there is none. It tries in
// this order: the directory of --bin, bin/ of the checkout, the directory of hopline itself if they are there, the programs that hopline
// carries, and those that the go command fetches.
func programs(ctx context.Context, bin, dir string, say func(format string, args ...any)) (at, root string, err error) {
	here, err := os.Getwd()
	if err != nil {
		return "", "", err
	}
	root = cmp.Or(bundle.Workspace(dir), bundle.Workspace(here))
	own, err := bundle.OwnDirectory()
	if err != nil {
		return "", "", err
	}
	switch {
	case bin != "":
		at, err = filepath.Abs(bin)
	case root != "":
		at = filepath.Join(root, "bin")
	case complete(own):
		at = own
	case bundle.CarriesPrograms():
		at, err = bundle.Programs()
	case bundle.Version() != "":
		at, err = bundle.Install(ctx, bundle.Version(), say)
	default:
		at = own
	}
	return at, root, err
}

// complete reports whether a directory holds the programs of all services.
func complete(dir string) bool {
	return !slices.ContainsFunc(bundle.Services(), func(name string) bool { return !holds(dir, name) })
}

// holds reports whether a directory holds a program.
func holds(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name+bundle.Suffix()))
	return err == nil
}
