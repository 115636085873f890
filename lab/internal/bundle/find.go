package bundle

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/internal/usage"
)

// Default is the overlay that runs if the user names none.
const Default = "canary"

// Find returns the directory of the overlay that arg refers to:
//   - a directory that contains overlays, as Init and a checkout's deploy/ have: canary of those;
//   - any other path: that path, unchanged;
//   - a bare name: that overlay of the checkout, or else of those that hopline contains;
//   - an empty arg: canary, in the same way.
//
// The checkout is the one that contains the working directory, or else the one that contains this program. Find does not check the
// directory: it may hold no overlay. Outside a checkout, a name that is neither a file nor an overlay that hopline contains, but close to one of
// those, is an error of package usage.
func Find(arg string) (string, error) { return find(arg, checkout()) }

func find(arg, checkout string) (string, error) {
	if arg != "" && (isDir(arg) || strings.ContainsAny(arg, `/\`)) {
		if inside := filepath.Join(arg, "overlays", Default); isDir(inside) {
			return inside, nil
		}
		return arg, nil
	}
	name := cmp.Or(arg, Default)
	if here := filepath.Join(checkout, "deploy", "overlays"); checkout != "" && isDir(here) {
		return FromHere(filepath.Join(here, name)), nil
	}
	names, err := Names()
	if err != nil {
		return "", err
	}
	if !slices.Contains(names, name) {
		near := nearest.DidYouMean(name, names)
		if _, err := os.Stat(name); err == nil || near == "" {
			return name, nil
		}
		return "", usage.Errorf("%s: no such overlay: want a directory with a kustomization.yaml, or an overlay of hopline%s", name, near)
	}
	dir, err := Overlays()
	return filepath.Join(dir, "overlays", name), err
}

// Carries reports whether a directory is one that Overlays returns, which users must not edit.
func Carries(dir string) bool {
	home, err := os.UserCacheDir()
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(filepath.Join(home, "hopline", "overlays"), dir)
	return err == nil && filepath.IsLocal(rel)
}

// Shown returns the name of an overlay's directory for messages: "canary of hopline" for one that hopline contains, else its path from here.
func Shown(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil && Carries(absolute) {
		return filepath.Base(dir) + " of hopline"
	}
	return FromHere(dir)
}

// checkout returns the checkout that the working directory is in, or else the one that this program is in, or "".
func checkout() string {
	here, err := os.Getwd()
	if err != nil {
		here = ""
	}
	own, err := OwnDirectory()
	if err != nil {
		own = ""
	}
	return cmp.Or(Workspace(here), Workspace(own))
}

// Workspace returns the checkout that a directory is in: the nearest directory at or above it with a go.work file, or "".
func Workspace(dir string) string {
	for dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return ""
}

// OwnDirectory returns the directory of this program.
func OwnDirectory() (string, error) {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	return filepath.Dir(self), err
}

// FromHere returns a path relative to the working directory if that is shorter.
func FromHere(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}
