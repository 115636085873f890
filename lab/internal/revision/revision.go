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

// Checkout writes the files of a revision of the git repository here to a temporary directory. name is REVISION:PATH; PATH is relative to the
// top of the repository, as for git show. It returns the path in the directory. The caller must call remove.
func Checkout(ctx context.Context, name string) (path string, remove func(), err error) {
	revision, path, _ := strings.Cut(name, ":")
	if strings.HasPrefix(revision, "-") || !filepath.IsLocal(filepath.FromSlash(path)) {
		return "", nil, errors.New("want REVISION:PATH, with a path inside the repository")
	}
	top, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return "", nil, err
	}
	archive, err := git(ctx, strings.TrimSpace(string(top)), "archive", "--format=tar", revision)
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "hopline-revision-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	if err := extract(archive, dir); err != nil {
		remove()
		return "", nil, err
	}
	return filepath.Join(dir, filepath.FromSlash(path)), remove, nil
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
