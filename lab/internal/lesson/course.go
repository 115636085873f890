package lesson

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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

// OpenCopy returns the copy below a directory, and writes it if it is not there yet.
func OpenCopy(below string) (Copy, error) {
	c := Copy{filepath.Join(below, CopyName)}
	if _, err := os.Stat(c.Dir); err == nil {
		return c, c.ours()
	}
	return c, bundle.Init(c.Dir)
}

// ours returns an error if the directory holds anything but a copy: reset removes it.
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

// Reset writes the copy anew. What is done stays done.
func (c Copy) Reset() error {
	if err := c.ours(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	done := c.Done()
	if err := os.RemoveAll(c.Dir); err != nil {
		return err
	}
	if err := bundle.Init(c.Dir); err != nil {
		return err
	}
	return c.write(done)
}

// Done returns the names of the lessons that are done, sorted. A name stays when lessons get other numbers.
func (c Copy) Done() []string {
	done := map[string]bool{}
	text, err := os.ReadFile(filepath.Join(c.Dir, progressName))
	if err != nil || json.Unmarshal(text, &done) != nil {
		return nil // nothing is done, or somebody has edited the file
	}
	return slices.Sorted(maps.Keys(done))
}

// MarkDone adds the name of a lesson to those that are done.
func (c Copy) MarkDone(name string) error { return c.write(append(c.Done(), name)) }

func (c Copy) write(names []string) error {
	done := map[string]bool{}
	for _, n := range names {
		done[n] = true
	}
	text, err := json.Marshal(done)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.Dir, progressName), append(text, '\n'), 0o600)
}
