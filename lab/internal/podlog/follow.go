package podlog

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Filter selects lines. Its zero value selects all.
type Filter struct {
	Level    Level  // lines of this level or a more severe one, and those without a level: the last lines of a crash have none
	Workload string // name of a Deployment, with or without its namespace, or its app: "middle"; or the name of a pod
	Trace    string // 32 hex digits
	Text     string // in the line, in upper or lower case
}

// Wants reports whether the filter selects a line.
func (f *Filter) Wants(line Line) bool {
	return (f.Level == NoLevel || line.Level == NoLevel || line.Level >= f.Level) &&
		(f.Trace == "" || line.Trace == f.Trace) &&
		(f.Workload == "" || line.Pod == f.Workload || Named(line.Deployment, f.Workload)) &&
		(f.Text == "" || containsFold(line.Text, f.Text))
}

// Named reports whether a Deployment, namespace/name, has a name, with or without its namespace, or an app: its own name begins with the app.
func Named(deployment, name string) bool {
	_, own, _ := strings.Cut(deployment, "/")
	return name == own || name == deployment || strings.HasPrefix(own, name+"-")
}

// containsFold reports whether part is in text, in upper or lower case of ASCII.
func containsFold(text, part string) bool {
	if strings.Contains(text, part) {
		return true
	}
	for i := 0; i+len(part) <= len(text); i++ {
		if strings.EqualFold(text[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

// Last returns the last n lines that a filter selects and whose number is above one, in the order of their numbers.
func (l *Logs) Last(n int, f Filter, above uint64) []Line {
	var found []Line
	l.mu.Lock()
	names := slices.Collect(maps.Keys(l.pods))
	l.mu.Unlock()
	for _, pod := range names {
		mine := []Line{} // of this pod, the newest first
		lines := l.Pod(pod, maxPodLines)
		for i := len(lines) - 1; i >= 0 && len(mine) < n && lines[i].Number > above; i-- {
			if f.Wants(lines[i]) {
				mine = append(mine, lines[i])
			}
		}
		found = append(found, mine...)
	}
	slices.SortFunc(found, func(a, b Line) int { return cmp.Compare(a.Number, b.Number) })
	return found[max(0, len(found)-n):]
}

// maxWaiting bounds the lines that wait for one follower.
const maxWaiting = 1000

// Follower receives the lines that a filter selects, from the moment when it was made.
type Follower struct {
	After uint64 // number of the last line before it

	logs   *Logs
	filter Filter
	signal chan struct{} // has room for one; full while something waits

	mu      sync.Mutex
	waiting []Line
	missed  int
}

// Follow returns a Follower. The caller must close it.
func (l *Logs) Follow(filter Filter) *Follower {
	f := &Follower{logs: l, filter: filter, signal: make(chan struct{}, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	f.After = l.last
	l.followers[f] = struct{}{}
	return f
}

// Close ends a Follower.
func (f *Follower) Close() {
	f.logs.mu.Lock()
	defer f.logs.mu.Unlock()
	delete(f.logs.followers, f)
}

// add adds a line without waiting: if the follower is too slow, it misses the line.
func (f *Follower) add(line Line) {
	if !f.filter.Wants(line) {
		return
	}
	f.mu.Lock()
	if len(f.waiting) < maxWaiting {
		f.waiting = append(f.waiting, line)
	} else {
		f.missed++
	}
	f.mu.Unlock()
	select {
	case f.signal <- struct{}{}:
	default: // it is set already
	}
}

// Next waits for lines and returns them in their order. missed is the number of lines after them that did not fit in the queue. The error is
// that of ctx.
func (f *Follower) Next(ctx context.Context) (lines []Line, missed int, err error) {
	select {
	case <-f.signal:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	lines, missed = f.waiting, f.missed
	f.waiting, f.missed = nil, 0
	return lines, missed, nil
}
