package workload

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/overlay"
)

// podDir is the variable with the directory of a pod that has volumes. Each volume is a directory in it, with its name.
const podDir = "HOPLINE_POD_DIR"

// volumesDir returns the directory of all pods' volumes. It is made for the first of them. The caller holds mu.
func (s *Supervisor) volumesDir() (dir string, err error) {
	if s.volumes == "" {
		s.volumes, err = os.MkdirTemp("", "hopline-pods-")
	}
	return s.volumes, err
}

// makeVolumes makes the directory of a pod and its volumes. It opens files only below that directory, whatever their paths are.
func (s *Supervisor) makeVolumes(p *pod) error {
	volumes := p.spec.object.Pod.Volumes
	if len(volumes) == 0 {
		return nil
	}
	s.mu.Lock()
	all, err := s.volumesDir()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	dir := filepath.Join(all, p.name)
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, v := range volumes {
		if err := writeVolume(root, v); err != nil {
			return fmt.Errorf("volume %s: %w", v.Name, err)
		}
	}
	for _, c := range slices.Concat(p.spec.init, p.spec.containers) {
		for _, m := range c.Mounts {
			if err := makeSubPath(root, volumes, m); err != nil {
				return fmt.Errorf("volume %s: %w", m.Volume, err)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.dir = dir
	return nil
}

// writeVolume writes the files of a volume.
func writeVolume(root *os.Root, v overlay.Volume) error {
	if err := root.MkdirAll(v.Name, 0o700); err != nil {
		return err
	}
	for _, f := range v.Files {
		name := filepath.FromSlash(path.Join(v.Name, f.Path))
		if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := root.WriteFile(name, f.Content, 0o600); err != nil {
			return err
		}
		if err := root.Chmod(name, os.FileMode(f.Mode)); err != nil { // the umask does not apply
			return err
		}
	}
	return nil
}

// makeSubPath makes a directory of an emptyDir that only a mount names.
func makeSubPath(root *os.Root, volumes []overlay.Volume, m overlay.Mount) error {
	for _, v := range volumes {
		if v.Name == m.Volume && v.Files == nil && m.SubPath != "" {
			return root.MkdirAll(filepath.FromSlash(path.Join(v.Name, m.SubPath)), 0o700)
		}
	}
	return nil
}

// haveVolumes makes the volumes of a pod. It tries again while that fails, and returns false once the pod is to be stopped.
func (s *Supervisor) haveVolumes(p *pod) bool {
	for {
		err := s.makeVolumes(p)
		if err == nil {
			return true
		}
		s.update(p.containers[0], func() { p.containers[0].reason = err.Error() })
		if s.over(p, firstBackoff) {
			return false
		}
	}
}

// removeVolumes removes the directory of a pod that has ended.
func (s *Supervisor) removeVolumes(p *pod) {
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}

// localPaths rewrites paths below the mount paths of a container to those of its pod's directory: a process sees the files of the machine, not
// those of an image.
type localPaths struct {
	dir    string // of the pod
	mounts []overlay.Mount
}

// of returns the path on this machine of a path of the container. It is false for one that is in no mount.
func (l localPaths) of(name string) (string, bool) {
	var best *overlay.Mount
	for i := range l.mounts {
		m := &l.mounts[i]
		if (name == m.Path || strings.HasPrefix(name, m.Path+"/")) && (best == nil || len(m.Path) > len(best.Path)) {
			best = m
		}
	}
	if best == nil {
		return name, false
	}
	if slices.Contains(strings.Split(name, "/"), "..") { // it may lead out of the mount
		return name, false
	}
	return filepath.Join(l.dir, best.Volume, filepath.FromSlash(best.SubPath), filepath.FromSlash(strings.TrimPrefix(name, best.Path))), true
}

// word rewrites a word of a command line: a path, or one that follows the first =.
func (l localPaths) word(s string) string {
	if flag, value, ok := strings.Cut(s, "="); ok && strings.HasPrefix(s, "-") {
		value, _ = l.of(value)
		return flag + "=" + value
	}
	s, _ = l.of(s)
	return s
}
