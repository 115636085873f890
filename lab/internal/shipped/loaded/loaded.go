// Package loaded gives tests the shipped overlays with their tables of rules. It loads each once in a test program: rendering an overlay takes
// longer than most tests of its rules.
package loaded

import (
	"sync"
	"testing"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// loads holds the function that loads an overlay, by the overlay's name.
var loads sync.Map

// Overlay returns a shipped overlay and its table. All tests of the program share them, so that none may change them. The overlay's files may be
// gone; shipped.Overlay returns a directory.
func Overlay(t testing.TB, name string) (*overlay.Overlay, *mesh.Table) {
	t.Helper()
	type result struct {
		overlay *overlay.Overlay
		table   *mesh.Table
		err     error
	}
	load, _ := loads.LoadOrStore(name, sync.OnceValue(func() (r result) {
		r.overlay, r.table, r.err = mesh.Load(shipped.Overlay(t, name))
		return r
	}))
	r := load.(func() result)()
	if r.err != nil {
		t.Fatal(r.err)
	}
	return r.overlay, r.table
}
