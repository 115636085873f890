package drive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/overlay"
)

// errNotKept is the error of a change that the overlay's files cannot have. Its text follows the reason.
var errNotKept = errors.New("its patch can be copied instead")

// Keep writes a change to the files of the overlay's own directory, and removes it from the list. It changes only the text of the fields, and no
// file outside the directory. It returns the names of the files in the directory. On an error no file has changed.
func (d *Drive) Keep(id string) (files []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.find(id)
	if err != nil {
		return nil, err
	}
	rewritten, err := d.rewritten(c)
	if err != nil {
		return nil, fmt.Errorf("%s: not kept: %w; %w", c.Target, err, errNotKept)
	}
	if files, err = write(d.base.overlay.Dir, rewritten); err != nil {
		return nil, fmt.Errorf("%s: not kept: %w; %w", c.Target, err, errNotKept)
	}
	next := slices.DeleteFunc(slices.Clone(d.changes), func(other *Change) bool { return other == c })
	o, table, err := d.lab.Load(d.base.overlay.Dir)
	if err == nil {
		_, err = d.rebase(rendered{o, table}, next, d.lab.Apply)
	}
	if err == nil {
		d.lab.Done(c, c.Target+": kept: "+c.Text)
	}
	return files, err
}

// rewritten returns the files that a change edits.
func (d *Drive) rewritten(c *Change) ([]overlay.Rewritten, error) {
	if bundle.Carries(d.base.overlay.Dir) {
		return nil, errors.New("the overlay is one that hopline contains; hopline init DIR writes a copy to be edited")
	}
	edits, err := d.fileEdits(c)
	if err != nil {
		return nil, err
	}
	return d.base.overlay.Rewrite(edits)
}

// write replaces files in a directory. It checks all of them before it writes the first.
func write(dir string, files []overlay.Rewritten) (names []string, err error) {
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir) // it follows no symbolic link to the outside
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	for _, f := range files {
		name, err := filepath.Rel(dir, f.Path)
		if err != nil {
			return nil, err
		}
		if err := writable(root, name, f.Before); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	for i, f := range files {
		if err := replace(root, names[i], f.After); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// writable returns an error unless a file can be written and has the content.
func writable(root *os.Root, name string, content []byte) error {
	info, err := root.Stat(name)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o200 == 0 {
		return fmt.Errorf("%s is read-only", name)
	}
	file, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	now, err := io.ReadAll(io.LimitReader(file, int64(len(content))+1))
	if err == nil && !bytes.Equal(now, content) {
		err = fmt.Errorf("%s was changed meanwhile", name)
	}
	return err
}

// replace gives a file another content in one step.
func replace(root *os.Root, name string, content []byte) error {
	info, err := root.Stat(name)
	if err != nil {
		return err
	}
	part := filepath.Join(filepath.Dir(name), ".hopline-"+filepath.Base(name))
	file, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = root.Rename(part, name)
	}
	if err != nil {
		_ = root.Remove(part)
	}
	return err
}
