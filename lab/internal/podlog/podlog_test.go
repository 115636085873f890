package podlog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTraceOfFindsTheIdInJSONAndText(t *testing.T) {
	t.Parallel()
	const id = "463ac35c9f6413ad48485a3953bb6124"
	for text, want := range map[string]string{
		`{"level":"info","trace_id":"` + id + `","span_id":"a2fb4a1d1a96d312"}`: id,
		`{"trace_id": "` + id + `"}`: id,
		`2026-01-02 INFO [main.go] [trace_id=` + id + ` span_id=a2fb4a1d1a96d312] - msg`: id,
		`trace_id= trace_id=` + id:                  id,
		`{"trace_id":""}`:                           "",
		`trace_id=463AC35C9F6413AD48485A3953BB6124`: "",
		`trace_id=` + id + `0`:                      "",
		`no trace at all`:                           "",
		`trace_id=463ac35c`:                         "",
		`the words trace_id and then ` + id:         "",
	} {
		if got := traceOf(text); got != want {
			t.Errorf("traceOf(%q) = %q, want %q", text, got, want)
		}
	}
}

const maxLine = 16 << 10 // as of processes

func TestLogsKeepTheLastLinesWithinTheirBounds(t *testing.T) {
	t.Parallel()
	l := New()
	for i := range 3 * maxPodLines {
		l.Add(Line{Pod: "short", Text: fmt.Sprint(i)})
	}
	lines := l.Pod("short", maxPodLines*2)
	if len(lines) != maxPodLines || lines[len(lines)-1].Text != fmt.Sprint(3*maxPodLines-1) {
		t.Errorf("%d lines kept, the last %q; want the last %d", len(lines), lines[len(lines)-1].Text, maxPodLines)
	}
	if got := l.Pod("short", 2); len(got) != 2 || got[1].Text != fmt.Sprint(3*maxPodLines-1) {
		t.Errorf("the last two are %v", got)
	}
	wide := strings.Repeat("w", maxLine)
	for range 1000 {
		l.Add(Line{Pod: "wide", Text: wide})
	}
	if got := len(l.Pod("wide", 1000)) * maxLine; got > maxPodBytes {
		t.Errorf("%d bytes kept of one pod, want at most %d", got, maxPodBytes)
	}
	if r := l.pods["wide"]; cap(r.lines) > 4*len(r.all()) {
		t.Errorf("room for %d lines, %d are kept; want room for at most four times as many", cap(r.lines), len(r.all()))
	}
}

func TestLogsOfManyPodsStayWithinTheirBound(t *testing.T) {
	t.Parallel()
	l := New()
	text := strings.Repeat("t", 1<<10)
	kept := func() (bytes int) {
		for _, r := range l.pods {
			bytes += r.bytes
		}
		return bytes
	}
	for pod := range 200 {
		for range 2 * maxPodBytes / len(text) {
			l.Add(Line{Pod: fmt.Sprint(pod), Text: text})
		}
		if got := kept(); got > maxBytes {
			t.Fatalf("%d bytes are kept of %d pods, want at most %d", got, pod+1, maxBytes)
		}
	}
	if got := kept(); got < maxBytes*9/10 {
		t.Errorf("%d bytes are kept of 200 pods, want nearly %d", got, maxBytes)
	}
}

func TestLogsForgetPodsThatEndedLongAgo(t *testing.T) {
	t.Parallel()
	l := New()
	for i := range 3 * maxEnded {
		name := fmt.Sprint("pod-", i)
		l.Add(Line{Pod: name, Text: "line"})
		l.End(name)
	}
	if len(l.pods) != maxEnded || l.Pod("pod-0", 1) != nil || len(l.Pod(fmt.Sprint("pod-", 3*maxEnded-1), 1)) != 1 {
		t.Errorf("%d pods kept, want the last %d", len(l.pods), maxEnded)
	}
}

func TestLogsOfATraceComeInOrderFromAllPods(t *testing.T) {
	t.Parallel()
	l := New()
	const id = "0000000000000000a2fb4a1d1a96d312"
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	l.Add(Line{Time: at(1), Pod: "front", Trace: id, Text: "first"})
	l.Add(Line{Time: at(3), Pod: "front", Trace: id, Text: "third"})
	l.Add(Line{Time: at(2), Pod: "middle", Trace: id, Text: "second"})
	l.Add(Line{Time: at(2), Pod: "middle", Trace: strings.Repeat("1", 32), Text: "another's"})
	for _, query := range []string{id, id[16:]} {
		var got []string
		for _, line := range l.Trace(query) {
			got = append(got, line.Text)
		}
		if diff := cmp.Diff([]string{"first", "second", "third"}, got); diff != "" {
			t.Errorf("Trace(%s) (-want +got):\n%s", query, diff)
		}
	}
}
