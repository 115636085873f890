package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// base is the first part of every module's path. The rest is the module's directory and the prefix of its tags.
const base = "github.com/hopline/hopline/"

// release is a clone of the checkout with a commit that can be tagged and installed.
type release struct {
	dir     string
	version string
	modules []string // directories, each after those that it requires
	proxy   string   // directory of a module proxy with all of them
}

// prepare clones the checkout into dir, commits go.mod files without replace directives, and writes a module proxy beside the clone.
// version is a semantic version with a leading v; dir must not exist.
func prepare(ctx context.Context, checkout, dir, version string) (*release, error) {
	if !semver.IsValid(version) || module.CanonicalVersion(version) != version {
		return nil, fmt.Errorf("version: want a semantic version such as v1.2.3, got %q", version)
	}
	if _, err := os.Lstat(dir); dir == "" || err == nil {
		return nil, fmt.Errorf("clone: want a directory that is not there yet, got %q", dir)
	}
	if err := command(ctx, ".", nil, "git", "clone", "-q", checkout, dir); err != nil {
		return nil, err
	}
	r := &release{dir: dir, version: version, proxy: filepath.Clean(dir) + ".proxy"}
	var err error
	if r.modules, err = order(dir); err != nil {
		return nil, err
	}
	for _, m := range r.modules {
		if err := r.settle(ctx, m); err != nil {
			return nil, fmt.Errorf("module %s: %w", m, err)
		}
	}
	return r, nil
}

// order returns the modules of go.work, each after those that it requires.
func order(dir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "go.work"))
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork("go.work", text, nil)
	if err != nil {
		return nil, err
	}
	var done []string
	for range work.Use {
		for _, use := range work.Use {
			name := filepath.ToSlash(filepath.Clean(use.Path))
			file, err := parse(dir, name)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(done, name) && !slices.ContainsFunc(neighbours(file), func(n string) bool { return !slices.Contains(done, n) }) {
				done = append(done, name)
			}
		}
	}
	if len(done) != len(work.Use) {
		return nil, errors.New("modules of go.work require each other in a circle")
	}
	return done, nil
}

func parse(dir, name string) (*modfile.File, error) {
	path := filepath.Join(dir, name, "go.mod")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(path, text, nil)
}

// neighbours returns the directories of this repository's modules that a module requires.
func neighbours(file *modfile.File) []string {
	var names []string
	for _, r := range file.Require {
		if name, ok := strings.CutPrefix(r.Mod.Path, base); ok {
			names = append(names, name)
		}
	}
	return names
}

// settle sets a module's go.mod and go.sum to those of the release, commits them, and adds the module to the proxy.
func (r *release) settle(ctx context.Context, name string) error {
	file, err := parse(r.dir, name)
	if err != nil {
		return err
	}
	for _, n := range neighbours(file) {
		if err := errors.Join(file.DropReplace(base+n, ""), file.AddRequire(base+n, r.version)); err != nil {
			return err
		}
	}
	if len(neighbours(file)) > 0 {
		file.Cleanup()
		text, err := file.Format()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.dir, name, "go.mod"), text, 0o644); err != nil {
			return err
		}
		env, err := r.environment(ctx)
		if err != nil {
			return err
		}
		if err := command(ctx, filepath.Join(r.dir, name), env, "go", "mod", "tidy"); err != nil {
			return err
		}
		if err := r.commit(ctx, "Module "+name+" as of release "+r.version); err != nil {
			return err
		}
	}
	return r.publish(name)
}

func (r *release) commit(ctx context.Context, message string) error {
	return command(ctx, r.dir, nil, "git", "-c", "user.name=release", "-c", "user.email=release@localhost", "commit", "-q", "-a", "-m", message)
}

// tag tags the commit with the release's version, and with each module's own tag, which the go command requires.
func (r *release) tag(ctx context.Context) error {
	tags := []string{r.version}
	for _, m := range r.modules {
		tags = append(tags, m+"/"+r.version)
	}
	for _, t := range tags {
		if err := command(ctx, r.dir, nil, "git", "tag", t); err != nil {
			return err
		}
	}
	return nil
}

// environment returns the environment of a go command that finds this repository's modules in the proxy, and all others as usual.
func (r *release) environment(ctx context.Context) ([]string, error) {
	others, err := exec.CommandContext(ctx, "go", "env", "GOPROXY").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOPROXY: %w", err)
	}
	proxy, err := filepath.Abs(r.proxy)
	if err != nil {
		return nil, err
	}
	return []string{"GOWORK=off", "GOFLAGS=-modcacherw", "GONOSUMDB=" + base + "*",
		"GOPROXY=file://" + filepath.ToSlash(proxy) + "," + strings.TrimSpace(string(others))}, nil
}

func command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
