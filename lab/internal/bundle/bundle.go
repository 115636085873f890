// Package bundle holds what the hopline program contains: the overlays of deploy/, and in a release also the services' programs.
package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hopline/hopline/deploy"
	"github.com/hopline/hopline/lab/internal/usage"
)

// Overlays returns a directory with the base, components and overlays that hopline contains. It is in the user's cache, named by a hash of
// its content, and is written on first use. Users must not edit it: Init writes a copy for that.
func Overlays() (string, error) {
	sum, err := hashTree(deploy.Files)
	if err != nil {
		return "", err
	}
	return cached("overlays", sum, func(dir string) error { return os.CopyFS(dir, deploy.Files) })
}

// Names returns the names of the overlays, sorted.
func Names() ([]string, error) {
	entries, err := fs.ReadDir(deploy.Files, "overlays")
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// Init writes base, components and overlays below dir, to be edited. It creates dir if necessary. If dir is not empty, it changes nothing
// and returns an error of package usage.
func Init(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return usage.Error(err)
	}
	if len(entries) > 0 {
		return usage.Errorf("%s: want a new or empty directory, got one with %s in it", dir, entries[0].Name())
	}
	return os.CopyFS(dir, deploy.Files)
}

// Restore restores a directory that Init has written, except for files directly in it that keep names. It writes files that differ, removes
// files that Init does not write, and leaves the others untouched, so that a lab that runs one of the overlays continues.
func Restore(dir string, keep ...string) error {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || slices.Contains(keep, name) {
			return err
		}
		shipped, err := fs.Stat(deploy.Files, filepath.ToSlash(name))
		if err == nil && shipped.Mode().Type() == entry.Type() {
			return nil
		}
		err = os.RemoveAll(path)
		if err == nil && entry.IsDir() {
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		return err
	}
	return fs.WalkDir(deploy.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if entry.IsDir() {
			return os.MkdirAll(path, 0o777)
		}
		content, err := fs.ReadFile(deploy.Files, name)
		if err != nil {
			return err
		}
		if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, content) {
			return nil
		}
		return os.WriteFile(path, content, 0o666)
	})
}

// cached returns the directory kind/sum of hopline's part of the user's cache. write fills it once: the directory appears complete or not
// at all, even if other processes do the same.
func cached(kind, sum string, write func(dir string) error) (string, error) {
	home, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory for the files that hopline contains: %w", err)
	}
	parent := filepath.Join(home, "hopline", kind)
	dir := filepath.Join(parent, sum)
	if isDir(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", err
	}
	part, err := os.MkdirTemp(parent, "part-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := write(part); err != nil {
		return "", err
	}
	if err := os.Rename(part, dir); err != nil && !isDir(dir) { // otherwise another hopline was first
		return "", err
	}
	return dir, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// hashTree returns a hash of the names and contents of all files.
func hashTree(files fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		fmt.Fprintf(h, "%q %d\n", path, len(content))
		h.Write(content)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:16]), err
}
