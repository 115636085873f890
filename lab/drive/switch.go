package drive

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/nearest"
	"github.com/hopline/hopline/lab/overlay"
)

// overlays returns the overlays that the lab can switch to, by name: the directories beside the one that it was started with, and those that
// hopline contains.
func (d *Drive) overlays() (map[string]string, error) {
	found := map[string]string{}
	names, err := bundle.Names()
	if err != nil {
		return nil, err
	}
	contained, err := bundle.Overlays()
	if err == nil { // otherwise there is no place for them
		for _, name := range names {
			found[name] = filepath.Join(contained, "overlays", name)
		}
	}
	parent := filepath.Dir(d.home)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		dir := filepath.Join(parent, e.Name())
		if e.IsDir() && overlay.HasKustomization(dir) { // not a symbolic link, which may lead anywhere
			found[e.Name()] = dir
		}
	}
	found[filepath.Base(d.home)] = d.home
	return found, nil
}

// switchTo makes the overlay of a name active.
func (d *Drive) switchTo(c *Change) (dropped []string, err error) {
	all, err := d.overlays()
	if err != nil {
		return nil, err
	}
	dir, ok := all[c.Overlay]
	if !ok {
		names := slices.Sorted(maps.Keys(all))
		return nil, fmt.Errorf("overlay: want one of %s, got %q%s", strings.Join(names, ", "), c.Overlay, nearest.DidYouMean(c.Overlay, names))
	}
	if dir == d.base.overlay.Dir {
		return nil, fmt.Errorf("overlay: want another one, got %s, which is active", c.Overlay)
	}
	return d.switchToDir(c, dir)
}

// SwitchTo makes the overlay in a directory active, as a temporary change. It does nothing if that overlay is active. On an error nothing has
// changed.
func (d *Drive) SwitchTo(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.open(); err != nil || dir == d.base.overlay.Dir {
		return err
	}
	c := &Change{Kind: Overlay, Overlay: bundle.FromHere(dir), Since: time.Now().UnixMilli()}
	if _, err := d.switchToDir(c, dir); err != nil {
		return err
	}
	d.done(c)
	return nil
}

// switchToDir makes the overlay in a directory active. A switch to the one that the lab was started with undoes the change.
func (d *Drive) switchToDir(c *Change, dir string) (dropped []string, err error) {
	if dir == d.home {
		for _, old := range d.changes {
			if old.Kind == Overlay {
				return d.undo(old)
			}
		}
	}
	next, err := d.with(c)
	if err != nil {
		return nil, err
	}
	return d.activate(dir, next)
}

// activate loads the overlay in a directory and makes it active, with those of the changes that apply to it.
func (d *Drive) activate(dir string, changes []*Change) (dropped []string, err error) {
	o, table, err := d.lab.Load(dir)
	if err != nil {
		return nil, err
	}
	return d.rebase(rendered{o, table}, changes, d.lab.Switch)
}
