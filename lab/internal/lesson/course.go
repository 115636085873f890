package lesson

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hopline/hopline/lab/internal/bundle"
)

// CopyName is the directory in which a learner works, below the current one.
const CopyName = "hopline-lessons"

// progressName is the file in the copy that lists the lessons that are done.
const progressName = ".done.json"

// Copy is a learner's copy of the overlays. Lessons change files only below it.
type Copy struct{ Dir string }

// CopyAt returns the copy of a learner who works in a directory: the directory itself if it is one, or else the one below it, which may not be
// there yet.
func CopyAt(dir string) Copy {
	if here, err := filepath.Abs(dir); err == nil && filepath.Base(here) == CopyName {
		c := Copy{here}
		if info, err := os.Stat(filepath.Join(here, "overlays")); err == nil && info.IsDir() && c.ours() == nil {
			return c
		}
	}
	return Copy{filepath.Join(dir, CopyName)}
}

// OpenCopy returns the copy of a learner who works in a directory, as CopyAt does, and writes it if it is not there yet.
func OpenCopy(dir string) (Copy, error) {
	c := CopyAt(dir)
	if _, err := os.Stat(c.Dir); err == nil {
		return c, c.ours()
	}
	return c, bundle.Init(c.Dir)
}

// ours returns an error if the directory holds anything besides a copy, because reset would remove it.
func (c Copy) ours() error {
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains([]string{"base", "components", "overlays", progressName}, e.Name()) {
			return fmt.Errorf("%s: want a copy of the overlays that a lesson has made, got one with %s in it", c.Dir, e.Name())
		}
	}
	return nil
}

// Reset restores the copy to its first state. Lessons that are done stay done.
func (c Copy) Reset() error {
	err := c.ours()
	if errors.Is(err, fs.ErrNotExist) {
		return bundle.Init(c.Dir)
	}
	if err != nil {
		return err
	}
	return bundle.Restore(c.Dir, progressName)
}

// Done reports for the name of each lesson whether the lesson is done. A name stays when lessons get other numbers.
func (c Copy) Done() map[string]bool {
	done := map[string]bool{}
	text, err := os.ReadFile(filepath.Join(c.Dir, progressName))
	if err != nil || json.Unmarshal(text, &done) != nil {
		return map[string]bool{} // nothing is done, or somebody has edited the file
	}
	return done
}

// MarkDone adds the name of a lesson to those that are done.
func (c Copy) MarkDone(name string) error {
	done := c.Done()
	done[name] = true
	text, err := json.Marshal(done)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.Dir, progressName), append(text, '\n'), 0o600)
}
