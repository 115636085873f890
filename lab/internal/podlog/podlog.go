// Package podlog keeps the last lines that the processes of every pod wrote, selects lines, and passes new ones on.
package podlog

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds on the output of processes that is kept.
const (
	maxPodLines = 4000      // lines of one pod
	maxPodBytes = 512 << 10 // bytes of one pod's lines
	maxBytes    = 32 << 20  // bytes of all pods' lines: with more than 64 pods, each keeps an equal part of it
	maxEnded    = 24        // ended pods whose output is still kept
)

// Line is one line that a process wrote to stdout or stderr.
type Line struct {
	Time       time.Time // when it was read
	Pod        string
	Container  string // "" for the only one of a pod
	Deployment string // namespace/name
	Trace      string // 32 hex digits if the line contains a trace id, else empty
	Level      Level  // if it is a JSON line with one
	Text       string // as written, without the line end, with control characters
	Number     uint64 // grows from line to line; set by Logs.Add
}

// Source returns who wrote the line: the pod, and in a pod of several containers "pod/container".
func (l *Line) Source() string {
	if l.Container == "" {
		return l.Pod
	}
	return l.Pod + "/" + l.Container
}

// Logs holds the last lines of every pod. It is safe for concurrent use.
type Logs struct {
	mu        sync.Mutex
	pods      map[string]*ring
	ended     []string // oldest first
	last      uint64   // number of the last line
	followers map[*Follower]struct{}
}

// New returns Logs without lines. The numbers of its lines begin with the microseconds since 1970, so that they are above those of an
// earlier run.
func New() *Logs {
	return &Logs{pods: map[string]*ring{}, last: uint64(time.Now().UnixMicro()), followers: map[*Follower]struct{}{}}
}

// NewLine returns a line that a pod of a Deployment has written just now.
func NewLine(pod, deployment, text string) Line {
	return Line{Time: time.Now(), Pod: pod, Deployment: deployment, Trace: traceOf(text), Level: levelOf(text), Text: text}
}

// Pod returns the last n lines of a pod, oldest first; none for an unknown pod.
func (l *Logs) Pod(name string, n int) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.pods[name]
	if !ok {
		return nil
	}
	lines := r.all()
	return slices.Clone(lines[max(0, len(lines)-n):])
}

// Trace returns all kept lines of all pods that contain a trace id, in order of time. The id has 16 or 32 hex digits.
func (l *Logs) Trace(id string) []Line {
	id = FullTrace(id)
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []Line
	for _, r := range l.pods {
		for _, line := range r.all() {
			if line.Trace == id {
				found = append(found, line)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Line) int { return a.Time.Compare(b.Time) })
	return found
}

// Add keeps a line and passes it to the followers.
func (l *Logs) Add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	line.Number = l.last
	r, ok := l.pods[line.Pod]
	if !ok {
		r = &ring{}
		l.pods[line.Pod] = r
		for _, other := range l.pods {
			other.trim(l.share())
		}
	}
	r.add(line)
	r.trim(l.share())
	for f := range l.followers {
		f.add(line)
	}
}

// share returns how many bytes each pod may keep.
func (l *Logs) share() int { return min(maxPodBytes, maxBytes/len(l.pods)) }

// End marks a pod as ended, so that its lines are dropped when other pods need the space.
func (l *Logs) End(pod string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = append(l.ended, pod)
	for len(l.ended) > maxEnded {
		delete(l.pods, l.ended[0])
		l.ended = l.ended[1:]
	}
}

// ring keeps the last lines of one pod.
type ring struct {
	lines []Line // the kept ones are lines[first:]
	first int
	bytes int
}

func (r *ring) all() []Line { return r.lines[r.first:] }

func (r *ring) add(line Line) {
	r.lines = append(r.lines, line)
	r.bytes += len(line.Text)
}

// trim drops the oldest lines: those beyond maxPodLines, and those beyond a number of bytes.
func (r *ring) trim(limit int) {
	for len(r.lines)-r.first > maxPodLines || r.bytes > limit {
		r.bytes -= len(r.lines[r.first].Text)
		r.lines[r.first] = Line{}
		r.first++
	}
	if r.first > len(r.lines)/2 { // moves down once per as many lines as are kept, so that the slice is at most twice as long
		r.lines = append(r.lines[:0:0], r.lines[r.first:]...)
		r.first = 0
	}
}

// traceOf returns the trace id in a log line: "trace_id":"<32 hex>" in JSON, trace_id=<32 hex> in text.
func traceOf(text string) string {
	const key = "trace_id"
	for {
		_, after, found := strings.Cut(text, key)
		if !found {
			return ""
		}
		text = after
		value := strings.TrimLeft(after, `":= `)
		if len(value) >= 32 && isHex(value[:32]) && (len(value) == 32 || !isHex(value[32:33])) {
			return value[:32]
		}
	}
}

// FullTrace returns a trace id of 16 or 32 hex digits with 32 digits.
func FullTrace(id string) string {
	if len(id) == 16 {
		return strings.Repeat("0", 16) + id
	}
	return id
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
