package drive

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeLab is a Lab without processes.
type fakeLab struct {
	applied *overlay.Overlay
	refuse  error // of Apply and Switch
	done    []string
}

func (l *fakeLab) Load(dir string) (*overlay.Overlay, *mesh.Table, error) { return mesh.Load(dir) }
func (l *fakeLab) Apply(o *overlay.Overlay, _ *mesh.Table) error {
	if l.refuse == nil {
		l.applied = o
	}
	return l.refuse
}
func (l *fakeLab) Switch(o *overlay.Overlay, t *mesh.Table) error { return l.Apply(o, t) }
func (l *fakeLab) Pods() []workload.Status                        { return nil }
func (l *fakeLab) Kill(string) error                              { return errors.New("no pod") }
func (l *fakeLab) Drain(string) error                             { return errors.New("no pod") }
func (l *fakeLab) Readmit(string)                                 {}
func (l *fakeLab) Done(_ *Change, text string)                    { l.done = append(l.done, text) }

// begin returns the Drive of a lab that runs a copy of a shipped overlay.
func begin(t *testing.T, name string) (*Drive, *fakeLab) {
	t.Helper()
	return beginAt(t, shipped.Light(t, name))
}

func beginAt(t *testing.T, dir string) (*Drive, *fakeLab) {
	t.Helper()
	o, table, err := mesh.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := &fakeLab{applied: o}
	d := New(l)
	d.Begin(o, table)
	return d, l
}

// do makes a change that must be accepted.
func do(t *testing.T, d *Drive, r Request) Change {
	t.Helper()
	c, _, err := d.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
