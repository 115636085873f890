// Package revision reads files as a revision of a git repository has them.
package revision

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Named reports whether a name is REVISION:PATH, and no file has this name.
func Named(name string) bool {
	revision, _, ok := strings.Cut(name, ":")
	_, err := os.Stat(name)
	return ok && err != nil && len(revision) >= 2 // a drive of Windows has one letter
}

// Tree is a temporary directory with the files of a revision.
type Tree struct {
	Path string // of what REVISION:PATH names, in the directory

	revision, dir string
}

// Checkout writes the files of a revision of the git repository here to a temporary directory. name is REVISION:PATH; PATH is relative to the
// top of the repository, as for git show. The caller must call Remove.
func Checkout(ctx context.Context, name string) (*Tree, error) {
	revision, path, _ := strings.Cut(name, ":")
	path = filepath.FromSlash(path)
	if strings.HasPrefix(revision, "-") || !filepath.IsLocal(path) {
		return nil, errors.New("want REVISION:PATH, with a path inside the repository")
	}
	top, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	if _, err := git(ctx, ".", "rev-parse", "--verify", "--quiet", revision+"^{tree}"); err != nil {
		return nil, fmt.Errorf("want a revision of this git repository, got %s", revision)
	}
	archive, err := git(ctx, strings.TrimSpace(string(top)), "archive", "--format=tar", revision)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hopline-revision-")
	if err != nil {
		return nil, err
	}
	t := &Tree{revision: revision, dir: dir}
	err = extract(archive, dir)
	if err == nil {
		t.dir, err = filepath.EvalSymlinks(dir) // as in the paths of kustomize
	}
	t.Path = filepath.Join(t.dir, path)
	if _, missing := os.Stat(t.Path); err == nil && missing != nil {
		err = fmt.Errorf("revision %s has no %s", revision, filepath.ToSlash(path))
	}
	if err != nil {
		t.Remove()
		return nil, err
	}
	return t, nil
}

// Remove removes the directory.
func (t *Tree) Remove() { _ = os.RemoveAll(t.dir) }

// Named returns a text with the paths in the directory as REVISION:PATH.
func (t *Tree) Named(text string) string {
	return strings.ReplaceAll(text, filepath.ToSlash(t.dir)+"/", t.revision+":")
}

// git runs git and returns its output.
func git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	var out, problem bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &problem
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, strings.Join(strings.Fields(problem.String()), " "))
	}
	return out.Bytes(), nil
}

// extract writes the regular files of an archive that may hold rules below a directory.
func extract(archive []byte, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(reader)
		if err == nil {
			err = root.MkdirAll(filepath.Dir(filepath.FromSlash(header.Name)), 0o755)
		}
		if err == nil {
			err = root.WriteFile(filepath.FromSlash(header.Name), content, 0o644)
		}
		if err != nil {
			return err
		}
	}
}
