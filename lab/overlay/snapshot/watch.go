package snapshot

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// How long a Watcher waits before it reports a change. Editors and git write in bursts: they truncate a file and fill it, or rename a new
// file over it.
const (
	quiet   = 50 * time.Millisecond  // without another event
	longest = 250 * time.Millisecond // for any number of events
)

// ErrClosed is the error of a closed Watcher.
var ErrClosed = errors.New("the watcher is closed")

// Sums holds checksums by path: of the content of a file, of the target of a symbolic link, or of the names of the files in a directory that
// may hold objects. A missing file has the zero sum.
type Sums map[string]Sum

// Sum is a checksum.
type Sum [sha256.Size]byte

// Watcher reports when a file of an overlay differs from what was read, or when a symbolic link on the way to one has a new target. It
// watches directories, not files, because editors replace files. For a missing directory it watches the nearest existing one above it.
// Touching a file, or saving it unchanged, is not a change.
type Watcher struct {
	events   *fsnotify.Watcher
	changes  chan struct{}
	requests chan watchRequest
	closing  chan struct{}
	closed   chan struct{}
}

type watchRequest struct {
	sums  Sums
	reply chan error
}

// NewWatcher starts a watcher that watches nothing yet. The caller must close it.
func NewWatcher() (*Watcher, error) {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &Watcher{
		events:   events,
		changes:  make(chan struct{}, 1),
		requests: make(chan watchRequest),
		closing:  make(chan struct{}),
		closed:   make(chan struct{}),
	}
	go w.run()
	return w, nil
}

// Watch watches the files that have sums instead of those before. Changes since they were read are reported as well.
func (w *Watcher) Watch(sums Sums) error {
	r := watchRequest{sums: sums, reply: make(chan error, 1)}
	select {
	case w.requests <- r:
		return <-r.reply
	case <-w.closed:
		return ErrClosed
	}
}

// Changes returns a channel that receives one value per burst of changes. Close closes it.
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Close ends the watcher, once. It returns when its goroutine has ended.
func (w *Watcher) Close() error {
	close(w.closing)
	<-w.closed
	return nil
}

// run is the watcher's only goroutine: it owns what is watched and when to compare.
func (w *Watcher) run() {
	defer close(w.closed)
	defer close(w.changes)
	defer w.events.Close()
	var (
		sums  Sums
		look  <-chan time.Time // when to compare; nil if nothing happened
		since time.Time        // the first event of a burst
	)
	for {
		select {
		case <-w.closing:
			return
		case r := <-w.requests:
			sums = maps.Clone(r.sums)
			r.reply <- w.arm(sums)
			look, since = w.soon(look, since)
		case e, ok := <-w.events.Events:
			if ok && !e.Has(fsnotify.Chmod) {
				look, since = w.soon(look, since)
			}
		case _, ok := <-w.events.Errors:
			if ok { // events were lost, possibly ones that matter here
				look, since = w.soon(look, since)
			}
		case <-look:
			look = nil
			// Watch the directories first: changes during the comparison then cause another event. An error is ignored: Watch has returned
			// it, and the next event tries again.
			_ = w.arm(sums)
			if changed(sums) {
				select {
				case w.changes <- struct{}{}:
				default: // a change is already pending
				}
			}
		}
	}
}

// soon returns when to compare after one more event.
func (w *Watcher) soon(look <-chan time.Time, since time.Time) (<-chan time.Time, time.Time) {
	now := time.Now()
	if look == nil {
		since = now
	}
	return time.After(min(quiet, max(0, longest-now.Sub(since)))), since
}

// arm watches the directories of the files and no others. It repeats itself while directories appear or vanish under it.
func (w *Watcher) arm(sums Sums) error {
	var err error
	for range 10 {
		wanted := directories(sums)
		watched := w.events.WatchList()
		slices.Sort(watched)
		if slices.Equal(wanted, watched) {
			return nil
		}
		for _, dir := range watched {
			if !slices.Contains(wanted, dir) {
				_ = w.events.Remove(dir) // it may be gone already
			}
		}
		err = nil
		for _, dir := range wanted {
			if !slices.Contains(watched, dir) {
				if e := w.events.Add(dir); e != nil && !errors.Is(e, os.ErrNotExist) {
					err = e
				}
			}
		}
	}
	return err
}

// directories returns the directories of the files, or the nearest existing ones above them.
func directories(sums Sums) []string {
	var dirs []string
	for path := range sums {
		dir := filepath.Dir(path)
		for {
			if info, err := os.Stat(dir); err == nil && info.IsDir() || dir == filepath.Dir(dir) {
				break
			}
			dir = filepath.Dir(dir)
		}
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// changed reports whether any file differs from its sum, and updates the sums.
func changed(sums Sums) bool {
	any := false
	for path, before := range sums {
		if now := Look(path); now != before {
			sums[path] = now
			any = true
		}
	}
	return any
}

// Look returns the current sum of a file, of the target of a symbolic link, or of the names of the files in a directory that may hold objects.
func Look(path string) Sum {
	if target, err := os.Readlink(path); err == nil {
		return sha256.Sum256([]byte("link to " + target))
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return lookIn(path)
	}
	return sumOf(readRegular(path))
}

// lookIn returns the sum of the names of the files in a directory that may hold objects.
func lookIn(dir string) Sum {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Sum{}
	}
	var names bytes.Buffer
	for _, e := range entries {
		if !e.IsDir() && IsManifest(e.Name()) {
			names.WriteString(e.Name() + "\n")
		}
	}
	return sha256.Sum256(names.Bytes())
}

func sumOf(content []byte, err error) Sum {
	if err != nil {
		return Sum{}
	}
	return sha256.Sum256(content)
}

// IsManifest reports whether a file of a directory may hold objects, by its name.
func IsManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) && !IsTestFile(name)
}

// IsTestFile reports whether a file has the name of test cases, which ends in _test.yaml or _test.yml.
func IsTestFile(name string) bool {
	return strings.HasSuffix(name, "_test.yaml") || strings.HasSuffix(name, "_test.yml")
}
