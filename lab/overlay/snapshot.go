package overlay

import (
	"encoding/json"
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

// maxFile bounds what is read of one file: an overlay is text that people write, and etcd takes no object over 1.5 MiB.
const maxFile = 4 << 20

// snapshot is the disk as one rendering sees it. Every file is read once and remembered: so that what has been checked is what
// kustomize renders, even when an editor saves in between, and so that it is known afterwards which files to watch. It is
// read-only, and it hands out no kustomization file that has not been cleared: that is how nothing can be fetched from elsewhere.
type snapshot struct {
	filesys.FileSystem
	files   map[string]file     // by absolute path with symbolic links resolved
	links   map[string]struct{} // symbolic links on the way to them
	cleared map[string]struct{} // kustomization files that ask for nothing the lab refuses
	amended map[string][]byte   // what kustomize reads in place of a kustomization file
	reduced map[string][]byte   // what kustomize reads in place of a file of objects
}

// file is what reading one file gave.
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
	}
}

// ReadFile gives the file as it was when it was first read, or what stands in for it. Kustomize tries all names that a kustomization file can have: those
// that are missing are not worth remembering.
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

// read reads a file, once. Files that are not there are remembered too: a watcher wants to know when they come.
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

// amend is the same disk with other kustomization files, and with every file of objects whole.
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

// withBuildMetadata is the same disk with annotations asked for in a directory's kustomization file.
func (s *snapshot) withBuildMetadata(dir string, annotations ...string) (*snapshot, error) {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		path := filepath.Join(dir, name)
		content, err := s.ReadFile(path)
		if err != nil {
			continue
		}
		docs, err := parseYAML(content)
		if err != nil || len(docs) != 1 {
			return nil, fmt.Errorf("%s is no kustomization", path)
		}
		k, ok := docs[0].value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is no kustomization", path)
		}
		k["buildMetadata"] = annotations
		if content, err = json.Marshal(k); err != nil {
			return nil, err
		}
		return s.amend(map[string][]byte{path: content}), nil
	}
	return nil, fs.ErrNotExist
}

// clear lets kustomize have a kustomization file.
func (s *snapshot) clear(path string) { s.cleared[s.resolve(path)] = struct{}{} }

// paths are all files that were read or found missing, sorted.
func (s *snapshot) paths() []string { return slices.Sorted(maps.Keys(s.files)) }

// sums are what the files held and where the links led.
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

// resolve makes a path absolute and follows symbolic links, as kustomize does before it reads; a path that leads nowhere is
// only made absolute.
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

// note remembers the symbolic links on the way to a path: when one leads elsewhere, that is a change like any other. Those directly below
// the root are the system's own, such as macOS' /tmp.
func (s *snapshot) note(path string) {
	for parent := filepath.Dir(path); parent != filepath.Dir(parent); path, parent = parent, filepath.Dir(parent) {
		if _, known := s.links[path]; known {
			continue
		}
		target, err := os.Readlink(path)
		if err != nil {
			continue // no link
		}
		s.links[path] = struct{}{}
		if !filepath.IsAbs(target) {
			target = filepath.Join(parent, target)
		}
		s.note(target)
	}
}

// Open is not needed to render, and what it reads would go unnoticed.
func (s *snapshot) Open(path string) (filesys.File, error) { return nil, readOnly("open", path) }

// Create is refused: rendering changes nothing.
func (s *snapshot) Create(path string) (filesys.File, error) { return nil, readOnly("create", path) }

// Mkdir is refused: rendering changes nothing.
func (s *snapshot) Mkdir(path string) error { return readOnly("mkdir", path) }

// MkdirAll is refused: rendering changes nothing.
func (s *snapshot) MkdirAll(path string) error { return readOnly("mkdir", path) }

// RemoveAll is refused: rendering changes nothing.
func (s *snapshot) RemoveAll(path string) error { return readOnly("remove", path) }

// WriteFile is refused: rendering changes nothing.
func (s *snapshot) WriteFile(path string, _ []byte) error { return readOnly("write", path) }

func readOnly(op, path string) error {
	return &fs.PathError{Op: op, Path: path, Err: errors.ErrUnsupported}
}

// readRegular reads a regular file of bounded size: a named pipe or a device would never end.
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
