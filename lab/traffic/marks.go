package traffic

import (
	"slices"
	"time"
)

// maxMarks bounds the marks that are kept.
const maxMarks = 300

// MarkKind is the kind of what a Mark records.
type MarkKind string

// The kinds of marks.
const (
	RulesSaved MarkKind = "rules"     // a saved edit is active
	Restarted  MarkKind = "restart"   // a process of a workload has ended and is started again
	FaultSet   MarkKind = "fault"     // a fault was set or removed at a workload
	Ejected    MarkKind = "ejection"  // an endpoint was ejected,
	Returned   MarkKind = "return"    // and is used again
	Changed    MarkKind = "temporary" // a temporary change was made or undone
)

// Mark is an event that may explain a change of the figures after it.
type Mark struct {
	At      int64    `json:"at"` // milliseconds since 1970
	Kind    MarkKind `json:"kind"`
	Service string   `json:"service"` // that it concerns, "core"; empty: all of them
	Text    string   `json:"text"`    // one line
}

// Mark records an event that has happened just now. service is the app of the workload that it concerns, or empty. It may be called from any
// goroutine and does not block.
func (s *Series) Mark(kind MarkKind, service, text string) {
	s.mark(Mark{At: time.Now().UnixMilli(), Kind: kind, Service: service, Text: text})
}

func (s *Series) mark(m Mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.marks) >= maxMarks {
		s.marks = slices.Delete(s.marks, 0, 1)
	}
	s.marks = append(s.marks, m)
}

// marksSince returns the marks since a time.
func (s *Series) marksSince(since time.Time) []Mark {
	s.mu.RLock()
	defer s.mu.RUnlock()
	marks := []Mark{}
	for _, m := range s.marks {
		if m.At >= since.UnixMilli() {
			marks = append(marks, m)
		}
	}
	return marks
}
