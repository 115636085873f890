package drive

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// maxChanges bounds the list of changes.
const maxChanges = 200

// Lab is the running lab that changes apply to. Its methods may be called while requests are served; Apply and Switch are not called
// concurrently.
type Lab interface {
	// Load renders and compiles the overlay in a directory, and provides the programs that it needs.
	Load(dir string) (*overlay.Overlay, *mesh.Table, error)
	// Apply makes an overlay active: all of it or, with an error, nothing.
	Apply(*overlay.Overlay, *mesh.Table) error
	// Switch makes another overlay active once its workloads are ready, so that no request is lost; with an error nothing has changed.
	Switch(*overlay.Overlay, *mesh.Table) error
	// Pods, Kill and Drain are methods of a workload.Supervisor, Readmit is one of a proxy.Proxy.
	Pods() []workload.Status
	Kill(pod string) error
	Drain(pod string) error
	Readmit(pod string)
	// Done reports what was done with a change, as text. It must not block.
	Done(c *Change, text string)
}

// Drive holds the temporary changes of a lab. Its methods are safe for concurrent use.
type Drive struct {
	lab    Lab
	client *http.Client  // for the admin ports of the processes
	nudge  chan struct{} // a pod has changed

	mu      sync.Mutex // held while changes are applied
	home    string     // directory of the overlay that the lab was started with
	base    rendered   // the overlay as its files have it
	active  rendered   // with the changes
	changes []*Change  // the last wins
	made    int        // number of changes so far
	closed  bool
	faulty  map[process]*faulted

	shown atomic.Pointer[shown] // a copy, so that a reader does not wait for a change that is being made
}

// shown is what readers see.
type shown struct {
	dir     string // of the active overlay
	changes []Change
	edits   []overlay.Edit
}

// rendered is an overlay with its table.
type rendered struct {
	overlay *overlay.Overlay
	table   *mesh.Table
}

// New returns a Drive without changes. Begin must be called before any change.
func New(lab Lab) *Drive {
	d := &Drive{lab: lab, client: newClient(), nudge: make(chan struct{}, 1), faulty: map[process]*faulted{}}
	d.shown.Store(&shown{changes: []Change{}})
	return d
}

// Begin sets the overlay that the lab was started with and that is active.
func (d *Drive) Begin(o *overlay.Overlay, table *mesh.Table) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.home = o.Dir
	d.base = rendered{o, table}
	d.active = d.base
	d.publish()
}

// Dir returns the directory of the active overlay; "" before Begin.
func (d *Drive) Dir() string { return d.shown.Load().dir }

// Changes lists the temporary changes, in the order in which they apply.
func (d *Drive) Changes() []Change { return d.shown.Load().changes }

// Edits lists the fields of the overlay's objects that the changes set.
func (d *Drive) Edits() []overlay.Edit { return d.shown.Load().edits }

// Do makes a change. It returns the change, with an empty ID if its kind is not listed, and a line for each earlier change that had to be
// dropped. On an error nothing has changed.
func (d *Drive) Do(r Request) (c Change, dropped []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wanted, err := d.resolve(r)
	if err != nil {
		return Change{}, nil, err
	}
	wanted.Since = time.Now().UnixMilli()
	switch r.Kind {
	case Kill:
		err = d.lab.Kill(wanted.Pod)
	case Drain:
		err = d.lab.Drain(wanted.Pod)
	case Start:
		err = d.start(wanted.Workload)
	case Overlay:
		dropped, err = d.switchTo(wanted)
	case Faults, Heal:
		err = d.setFaults(wanted)
	default:
		err = d.edit(wanted)
	}
	if err != nil {
		return Change{}, nil, err
	}
	d.done(wanted)
	return *wanted, dropped, nil
}

// done describes a change that is active, and reports it.
func (d *Drive) done(c *Change) {
	if c.Text == "" {
		c.Target, c.Text = d.words(c)
	}
	d.publish()
	d.lab.Done(c, c.Target+": "+c.Text)
}

// edit makes a change of the overlay's objects.
func (d *Drive) edit(c *Change) error {
	next, err := d.with(c)
	if err != nil {
		return err
	}
	return d.apply(next)
}

// with returns the changes with one more, which replaces the one of the same thing.
func (d *Drive) with(c *Change) ([]*Change, error) {
	next := slices.DeleteFunc(slices.Clone(d.changes), func(old *Change) bool {
		if old.same(c) {
			c.ID = old.ID
			return true
		}
		return c.Kind == Scale && old.Kind == Stop && old.Workload == c.Workload
	})
	if len(next) >= maxChanges {
		return nil, fmt.Errorf("there are %d changes already, want at most %d: undo some", len(next), maxChanges)
	}
	if c.ID == "" {
		d.made++
		c.ID = strconv.Itoa(d.made)
	}
	return append(next, c), nil
}

// apply makes the edits of a list of changes active, and the list the current one.
func (d *Drive) apply(next []*Change) error {
	active, err := d.base.with(next)
	if err != nil {
		return err
	}
	if err := d.lab.Apply(active.overlay, active.table); err != nil {
		return err
	}
	d.active, d.changes = active, next
	return nil
}

// with returns an overlay with changes.
func (r rendered) with(changes []*Change) (rendered, error) {
	var all []overlay.Edit
	for _, c := range changes {
		edits, err := c.edits(r.overlay, r.table)
		if err != nil {
			return rendered{}, err
		}
		all = append(all, edits...)
	}
	if len(all) == 0 {
		return r, nil
	}
	o, table, err := mesh.Edit(r.overlay, all)
	return rendered{o, table}, err
}

// sift returns an overlay with those of the changes that apply to it, and a line for each that does not.
func (r rendered) sift(changes []*Change) (result rendered, good []*Change, dropped []string) {
	if all, err := r.with(changes); err == nil {
		return all, changes, nil
	}
	result = r
	for _, c := range changes {
		with, err := r.with(append(slices.Clip(good), c))
		if err != nil {
			dropped = append(dropped, fmt.Sprintf("%s: %s: dropped: %v", c.Target, c.Text, err))
			continue
		}
		result, good = with, append(good, c)
	}
	return result, good, dropped
}

// Reload makes the active overlay what load reads from its directory, after its files were saved, with the changes that still apply to it. It
// returns a line for each change that was dropped. On an error nothing has changed.
func (d *Drive) Reload(load func(dir string) (*overlay.Overlay, *mesh.Table, error)) (dropped []string, err error) {
	d.mu.Lock() // also while it is read: otherwise Keep could write the files after that, and an old content would become active
	defer d.mu.Unlock()
	o, table, err := load(d.base.overlay.Dir)
	if err != nil {
		return nil, err
	}
	return d.rebase(rendered{o, table}, d.changes, d.lab.Apply)
}

// rebase makes another base active, with those of the changes that apply to it.
func (d *Drive) rebase(base rendered, changes []*Change, apply func(*overlay.Overlay, *mesh.Table) error) (dropped []string, err error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	changes, dropped = present(changes, base.overlay)
	active, changes, invalid := base.sift(changes)
	if err := apply(active.overlay, active.table); err != nil {
		return nil, err
	}
	d.base, d.active, d.changes = base, active, changes
	_, _ = d.reconcile(d.changes)
	d.publish()
	return append(dropped, invalid...), nil
}

// present returns the changes without those of workloads that an overlay does not have, and a line for each of those.
func present(changes []*Change, o *overlay.Overlay) (left []*Change, dropped []string) {
	for _, c := range changes {
		if c.Workload != "" {
			if _, err := findWorkload(o, c.Workload); err != nil {
				dropped = append(dropped, fmt.Sprintf("%s: %s: dropped: the overlay has no such workload", c.Target, c.Text))
				continue
			}
		}
		left = append(left, c)
	}
	return left, dropped
}

// Undo undoes a change.
func (d *Drive) Undo(id string) (dropped []string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.find(id)
	if err != nil {
		return nil, err
	}
	if dropped, err = d.undo(c); err == nil {
		d.lab.Done(c, c.Target+": undone: "+c.Text)
	}
	return dropped, err
}

// undo undoes a change of the list.
func (d *Drive) undo(c *Change) (dropped []string, err error) {
	next := slices.DeleteFunc(slices.Clone(d.changes), func(other *Change) bool { return other == c })
	if c.Kind == Overlay {
		dropped, err = d.activate(d.home, next)
	} else if err = d.apply(next); err == nil {
		_, err = d.reconcile(next)
	}
	d.publish()
	return dropped, err
}

// UndoAll undoes all changes.
func (d *Drive) UndoAll() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.open()
	if err != nil || len(d.changes) == 0 {
		return err
	}
	if d.base.overlay.Dir != d.home {
		_, err = d.activate(d.home, nil)
	} else {
		err = d.apply(nil)
	}
	if err == nil {
		_, err = d.reconcile(nil)
		d.lab.Done(&Change{}, "all changes undone")
	}
	d.publish()
	return err
}

// find returns a change by its ID.
func (d *Drive) find(id string) (*Change, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	for _, c := range d.changes {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, fmt.Errorf("change %q: %w", id, errNoChange)
}

// Close makes every later change fail. A change that is being made is finished first.
func (d *Drive) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

// open returns an error after Close.
func (d *Drive) open() error {
	if d.closed {
		return errors.New("the lab is stopping")
	}
	return nil
}

var errNoChange = errors.New("there is no such change")

// start undoes the stop of a workload.
func (d *Drive) start(name string) error {
	for _, c := range d.changes {
		if c.Kind == Stop && c.Workload == name {
			_, err := d.undo(c)
			return err
		}
	}
	return fmt.Errorf("workload: want one that was stopped, got %s", name)
}

// publish makes the current changes visible to readers.
func (d *Drive) publish() {
	now := &shown{dir: d.base.overlay.Dir, changes: make([]Change, len(d.changes))}
	for i, c := range d.changes {
		now.changes[i] = *c
		edits, _ := c.edits(d.base.overlay, d.base.table) // without an error, since it is active
		now.edits = append(now.edits, edits...)
	}
	d.shown.Store(now)
}

// PodChanged reports that a pod or its process has changed. It does not block.
func (d *Drive) PodChanged() {
	select {
	case d.nudge <- struct{}{}:
	default:
	}
}

// Run applies faults to processes that start later, until ctx ends.
func (d *Drive) Run(ctx context.Context) {
	timer := time.NewTimer(retryEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.nudge:
		case <-timer.C:
		}
		d.mu.Lock()
		d.forgetPods()
		pending, _ := d.reconcile(d.changes)
		d.mu.Unlock()
		timer.Stop()
		if pending {
			timer.Reset(retryEvery)
		}
	}
}

// forgetPods drops the changes of pods that are gone.
func (d *Drive) forgetPods() {
	pods := d.lab.Pods()
	gone := func(c *Change) bool {
		return c.Pod != "" && !slices.ContainsFunc(pods, func(p workload.Status) bool { return p.Name == c.Pod })
	}
	if !slices.ContainsFunc(d.changes, gone) {
		return
	}
	for _, c := range d.changes {
		if gone(c) {
			d.lab.Done(c, fmt.Sprintf("%s: %s: dropped: the pod is gone", c.Target, c.Text))
		}
	}
	d.changes = slices.DeleteFunc(slices.Clone(d.changes), gone)
	d.publish()
}
