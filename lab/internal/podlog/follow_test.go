package podlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLevel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Level{
		`{"level":"INFO","msg":"request"}`:             Info,
		`{"level":"warn"}`:                             Warn,
		`{"level":"warning"}`:                          Warn,
		`{"ts":"now","level":"DPANIC"}`:                Fatal,
		`{"level":"debug","msg":"\"level\":\"x\""}`:    Debug,
		`{"msg":"\"level\":\"error\"","level":"info"}`: Info,
		`{"level":"loud"}`:                             NoLevel,
		`{"level":"`:                                   NoLevel,
		`{"level":"info`:                               NoLevel,
		`{"level":7}`:                                  NoLevel,
		`panic: "level":"info"`:                        NoLevel,
		``:                                             NoLevel,
	} {
		if got := NewLine("", "", text).Level; got != want {
			t.Errorf("the level of %q is %d, want %d", text, got, want)
		}
	}
	if _, err := ParseLevel("loud"); err == nil || err.Error() != `level: want debug, info, warn, error, fatal, got "loud"` {
		t.Errorf("ParseLevel: %v", err)
	}
	if _, err := ParseLevel(""); err == nil {
		t.Error("a level without a name is accepted")
	}
}

// someLogs returns lines of two pods and of a third that has crashed.
func someLogs() *Logs {
	l := New()
	add := func(pod, deployment, text string) { l.Add(NewLine(pod, "hopline/"+deployment, text)) }
	add("front-blue-1", "front-blue", `{"level":"INFO","msg":"one","trace_id":"000000000000000000000000000000aa"}`)
	add("middle-prod-1", "middle-prod", `{"level":"ERROR","msg":"two","trace_id":"000000000000000000000000000000aa"}`)
	add("middle-dev-1", "middle-dev", `panic: three`)
	add("front-blue-1", "front-blue", `{"level":"WARN","msg":"four"}`)
	return l
}

func TestFilter(t *testing.T) {
	t.Parallel()
	l := someLogs()
	for name, test := range map[string]struct {
		filter Filter
		want   string
	}{
		"all":            {Filter{}, "one two three four"},
		"level":          {Filter{Level: Warn}, "two three four"},
		"app":            {Filter{Workload: "middle"}, "two three"},
		"name":           {Filter{Workload: "middle-dev"}, "three"},
		"with namespace": {Filter{Workload: "hopline/front-blue"}, "one four"},
		"pod":            {Filter{Workload: "middle-prod-1"}, "two"},
		"no workload":    {Filter{Workload: "mid"}, ""},
		"trace":          {Filter{Trace: FullTrace("00000000000000aa")}, "one two"},
		"text":           {Filter{Text: "PANIC"}, "three"},
		"both":           {Filter{Workload: "front", Level: Warn}, "four"},
	} {
		if got := messages(l.Last(10, test.filter, 0)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	all := l.Last(10, Filter{}, 0)
	if got := messages(l.Last(2, Filter{}, 0)); got != "three four" {
		t.Errorf("the last two are %q", got)
	}
	if got := messages(l.Last(10, Filter{}, all[1].Number)); got != "three four" {
		t.Errorf("those after the second are %q", got)
	}
}

// messages returns one word for each line.
func messages(lines []Line) string {
	var words []string
	for _, line := range lines {
		for _, word := range []string{"one", "two", "three", "four", "five"} {
			if strings.Contains(line.Text, word) {
				words = append(words, word)
			}
		}
	}
	return strings.Join(words, " ")
}

func TestFollow(t *testing.T) {
	t.Parallel()
	l := someLogs()
	f := l.Follow(Filter{Workload: "middle"})
	if last := l.Last(1, Filter{}, 0)[0].Number; f.After != last {
		t.Errorf("the follower begins after %d, want %d", f.After, last)
	}
	l.Add(NewLine("front-blue-1", "hopline/front-blue", "one"))
	l.Add(NewLine("middle-prod-1", "hopline/middle-prod", "five"))
	lines, missed, err := f.Next(t.Context())
	if messages(lines) != "five" || missed != 0 || err != nil {
		t.Errorf("it got %v, missed %d, %v; want five", lines, missed, err)
	}
	if lines[0].Number <= f.After {
		t.Errorf("the line has number %d, want one above %d", lines[0].Number, f.After)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := f.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
	f.Close()
	l.Add(NewLine("middle-prod-1", "hopline/middle-prod", "five"))
	if len(f.waiting) != 0 || len(l.followers) != 0 {
		t.Error("a closed follower gets lines")
	}
}

// TestSlowFollower checks that a follower that reads nothing delays no writer, has a bounded queue, and gets the number of lines that it
// missed.
func TestSlowFollower(t *testing.T) {
	t.Parallel()
	l := New()
	f := l.Follow(Filter{Text: "want"})
	defer f.Close()
	for i := range maxWaiting + 7 {
		l.Add(Line{Pod: "pod", Text: fmt.Sprint("want ", i)})
		l.Add(Line{Pod: "pod", Text: "other"})
	}
	lines, missed, err := f.Next(t.Context())
	if len(lines) != maxWaiting || missed != 7 || err != nil {
		t.Errorf("%d lines, %d missed, %v; want %d and 7", len(lines), missed, err, maxWaiting)
	}
	l.Add(Line{Pod: "pod", Text: "want more"})
	lines, missed, err = f.Next(t.Context())
	if diff := cmp.Diff([]int{1, 0}, []int{len(lines), missed}); diff != "" || err != nil {
		t.Errorf("afterwards (-want +got): %s, %v", diff, err)
	}
}
