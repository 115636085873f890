// Package snapshot reads the files of an overlay, once, as kustomize sees them, and watches them for changes.
package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// maxFile bounds the size of a file in bytes: an overlay is text written by people, and etcd accepts no object over 1.5 MiB.
const maxFile = 4 << 20

// Disk is the file system as one rendering sees it. It reads every file once and keeps the content, so that kustomize renders what was
// checked even if an editor saves in between, and so that the files to watch are known afterwards. It is read-only. It returns a
// kustomization file only after Clear was called for it, so that kustomize cannot fetch anything.
type Disk struct {
	filesys.FileSystem
	Files   map[string]File   // by absolute path with symbolic links resolved
	Amended map[string][]byte // what kustomize reads instead of a kustomization file
	Reduced map[string][]byte // what kustomize reads instead of a file of objects

	links   map[string]struct{} // symbolic links on the way to the files
	cleared map[string]struct{} // kustomization files that contain nothing the lab refuses
}

// File is the result of reading one file.
type File struct {
	Content []byte
	Err     error
}

// New returns a Disk from which nothing has been read.
func New() *Disk {
	return &Disk{
		FileSystem: filesys.MakeFsOnDisk(),
		Files:      map[string]File{},
		Amended:    map[string][]byte{},
		Reduced:    map[string][]byte{},
		links:      map[string]struct{}{},
		cleared:    map[string]struct{}{},
	}
}

// ReadFile returns the file as it was when it was first read, or its replacement. It does not record missing files: kustomize tries all
// names that a kustomization file can have.
func (d *Disk) ReadFile(path string) ([]byte, error) {
	path = d.Resolve(path)
	if _, ok := d.Files[path]; !ok && !d.Exists(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if reduced, ok := d.Reduced[path]; ok {
		return reduced, nil
	}
	f := d.Read(path)
	if amended, ok := d.Amended[path]; ok {
		return amended, nil
	}
	if f.Err == nil && isKustomization(path) {
		if _, ok := d.cleared[path]; !ok {
			return nil, fmt.Errorf("%s has not been checked", path)
		}
	}
	return f.Content, f.Err
}

// Read reads a file, once. It also records missing files, so that a watcher notices when they are created.
func (d *Disk) Read(path string) File {
	path = d.Resolve(path)
	if f, ok := d.Files[path]; ok {
		return f
	}
	var f File
	f.Content, f.Err = readRegular(path)
	d.Files[path] = f
	return f
}

// Amend returns the same disk with other kustomization files, and with all objects in every file of objects.
func (d *Disk) Amend(files map[string][]byte) *Disk {
	other := *d
	other.Reduced = nil
	other.Amended = maps.Clone(d.Amended)
	if other.Amended == nil {
		other.Amended = map[string][]byte{}
	}
	maps.Copy(other.Amended, files)
	return &other
}

// Clear marks a kustomization file as readable for kustomize.
func (d *Disk) Clear(path string) { d.cleared[d.Resolve(path)] = struct{}{} }

// Paths returns all files that were read or found missing, sorted.
func (d *Disk) Paths() []string { return slices.Sorted(maps.Keys(d.Files)) }

// Sums returns the checksums of the files and of the targets of the links.
func (d *Disk) Sums() Sums {
	sums := make(Sums, len(d.Files))
	for path, f := range d.Files {
		sums[path] = sumOf(f.Content, f.Err)
	}
	for path := range d.links {
		sums[path] = Look(path)
	}
	return sums
}

// Resolve makes a path absolute and follows symbolic links, as kustomize does before it reads. If the target does not exist, it only makes
// the path absolute.
func (d *Disk) Resolve(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Clean(path)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return abs
	}
	if real != abs {
		d.note(abs)
	}
	return real
}

// note records the symbolic links on the way to a path: a new target of a link is a change of the overlay. Links directly below the root
// belong to the system, such as /tmp on macOS.
func (d *Disk) note(path string) {
	for parent := filepath.Dir(path); parent != filepath.Dir(parent); path, parent = parent, filepath.Dir(parent) {
		if _, known := d.links[path]; known {
			continue
		}
		target, err := os.Readlink(path)
		if err != nil {
			continue // not a link
		}
		d.links[path] = struct{}{}
		if !filepath.IsAbs(target) {
			target = filepath.Join(parent, target)
		}
		d.note(target)
	}
}

// Open returns an error: rendering does not need it, and files read through it would not be recorded.
func (d *Disk) Open(path string) (filesys.File, error) { return nil, readOnly("open", path) }

// Create returns an error: rendering is read-only.
func (d *Disk) Create(path string) (filesys.File, error) { return nil, readOnly("create", path) }

// Mkdir returns an error: rendering is read-only.
func (d *Disk) Mkdir(path string) error { return readOnly("mkdir", path) }

// MkdirAll returns an error: rendering is read-only.
func (d *Disk) MkdirAll(path string) error { return readOnly("mkdir", path) }

// RemoveAll returns an error: rendering is read-only.
func (d *Disk) RemoveAll(path string) error { return readOnly("remove", path) }

// WriteFile returns an error: rendering is read-only.
func (d *Disk) WriteFile(path string, _ []byte) error { return readOnly("write", path) }

func readOnly(op, path string) error {
	return &fs.PathError{Op: op, Path: path, Err: errors.ErrUnsupported}
}

// readRegular reads a regular file of at most maxFile bytes: reading a named pipe or a device might never end.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory, want a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s has %d bytes, want at most %d", path, info.Size(), maxFile)
	}
	return os.ReadFile(path)
}

func isKustomization(path string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(path))
}
