package overlay

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

// snapshot is the file system as one rendering sees it. It reads every file once and keeps the content, so that kustomize renders what was
// checked even if an editor saves in between, and so that the files to watch are known afterwards. It is read-only. It returns a
// kustomization file only after clear was called for it, so that kustomize cannot fetch anything.
type snapshot struct {
	filesys.FileSystem
	files   map[string]file     // by absolute path with symbolic links resolved
	links   map[string]struct{} // symbolic links on the way to the files
	cleared map[string]struct{} // kustomization files that contain nothing the lab refuses
	amended map[string][]byte   // what kustomize reads instead of a kustomization file
	reduced map[string][]byte   // what kustomize reads instead of a file of objects
}

// file is the result of reading one file.
type file struct {
	content []byte
	err     error
}

func newSnapshot() *snapshot {
	return &snapshot{
		FileSystem: filesys.MakeFsOnDisk(),
		files:      map[string]file{},
		links:      map[string]struct{}{},
		cleared:    map[string]struct{}{},
		reduced:    map[string][]byte{},
		amended:    map[string][]byte{},
	}
}

// ReadFile returns the file as it was when it was first read, or its replacement. It does not record missing files: kustomize tries all
// names that a kustomization file can have.
func (s *snapshot) ReadFile(path string) ([]byte, error) {
	path = s.resolve(path)
	if _, ok := s.files[path]; !ok && !s.Exists(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if reduced, ok := s.reduced[path]; ok {
		return reduced, nil
	}
	f := s.read(path)
	if amended, ok := s.amended[path]; ok {
		return amended, nil
	}
	if f.err == nil && isKustomization(path) {
		if _, ok := s.cleared[path]; !ok {
			return nil, fmt.Errorf("%s has not been checked", path)
		}
	}
	return f.content, f.err
}

// read reads a file, once. It also records missing files, so that a watcher notices when they are created.
func (s *snapshot) read(path string) file {
	path = s.resolve(path)
	if f, ok := s.files[path]; ok {
		return f
	}
	var f file
	f.content, f.err = readRegular(path)
	s.files[path] = f
	return f
}

// amend returns the same disk with other kustomization files, and with all objects in every file of objects.
func (s *snapshot) amend(files map[string][]byte) *snapshot {
	other := *s
	other.reduced = nil
	other.amended = maps.Clone(s.amended)
	if other.amended == nil {
		other.amended = map[string][]byte{}
	}
	maps.Copy(other.amended, files)
	return &other
}

// clear marks a kustomization file as readable for kustomize.
func (s *snapshot) clear(path string) { s.cleared[s.resolve(path)] = struct{}{} }

// paths returns all files that were read or found missing, sorted.
func (s *snapshot) paths() []string { return slices.Sorted(maps.Keys(s.files)) }

// sums returns the checksums of the files and of the targets of the links.
func (s *snapshot) sums() map[string]sum {
	sums := make(map[string]sum, len(s.files))
	for path, f := range s.files {
		sums[path] = sumOf(f.content, f.err)
	}
	for path := range s.links {
		sums[path] = look(path)
	}
	return sums
}

// resolve makes a path absolute and follows symbolic links, as kustomize does before it reads. If the target does not exist, it only makes
// the path absolute.
func (s *snapshot) resolve(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Clean(path)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return abs
	}
	if real != abs {
		s.note(abs)
	}
	return real
}

// note records the symbolic links on the way to a path: a new target of a link is a change of the overlay. Links directly below the root
// belong to the system, such as /tmp on macOS.
func (s *snapshot) note(path string) {
	for parent := filepath.Dir(path); parent != filepath.Dir(parent); path, parent = parent, filepath.Dir(parent) {
		if _, known := s.links[path]; known {
			continue
		}
		target, err := os.Readlink(path)
		if err != nil {
			continue // not a link
		}
		s.links[path] = struct{}{}
		if !filepath.IsAbs(target) {
			target = filepath.Join(parent, target)
		}
		s.note(target)
	}
}

// Open returns an error: rendering does not need it, and files read through it would not be recorded.
func (s *snapshot) Open(path string) (filesys.File, error) { return nil, readOnly("open", path) }

// Create returns an error: rendering is read-only.
func (s *snapshot) Create(path string) (filesys.File, error) { return nil, readOnly("create", path) }

// Mkdir returns an error: rendering is read-only.
func (s *snapshot) Mkdir(path string) error { return readOnly("mkdir", path) }

// MkdirAll returns an error: rendering is read-only.
func (s *snapshot) MkdirAll(path string) error { return readOnly("mkdir", path) }

// RemoveAll returns an error: rendering is read-only.
func (s *snapshot) RemoveAll(path string) error { return readOnly("remove", path) }

// WriteFile returns an error: rendering is read-only.
func (s *snapshot) WriteFile(path string, _ []byte) error { return readOnly("write", path) }

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
