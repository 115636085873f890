package diff

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

// tree is a directory with the files of a revision.
type tree string

func (t tree) remove() { _ = os.RemoveAll(string(t)) }

// checkout writes the files of a git revision to a temporary directory, if name is REVISION:PATH and no file has this name. PATH is relative to the
// top of the repository, as for git show. It returns the path in the directory.
func checkout(ctx context.Context, name string) (dir tree, path string, ok bool, err error) {
	revision, path, ok := strings.Cut(name, ":")
	if _, err := os.Stat(name); err == nil || !ok || len(revision) < 2 { // a drive of Windows has one letter
		return "", "", false, nil
	}
	if strings.HasPrefix(revision, "-") || !filepath.IsLocal(filepath.FromSlash(path)) {
		return "", "", false, errors.New("want REVISION:PATH, with a path inside the repository")
	}
	top, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return "", "", false, err
	}
	archive, err := git(ctx, strings.TrimSpace(string(top)), "archive", "--format=tar", revision)
	if err != nil {
		return "", "", false, err
	}
	temporary, err := os.MkdirTemp("", "hopline-diff-")
	if err != nil {
		return "", "", false, err
	}
	dir = tree(temporary)
	if err := extract(archive, temporary); err != nil {
		dir.remove()
		return "", "", false, err
	}
	return dir, filepath.Join(temporary, filepath.FromSlash(path)), true, nil
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
