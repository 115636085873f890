package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"testing"
	"time"
)

// line holds the fields of every log line of a request.
type line struct {
	TS      string `json:"ts"`
	Level   string `json:"level"`
	Msg     string `json:"msg"`
	Service string `json:"service"`
	Version string `json:"version"`
	Caller  string `json:"caller"`
	TraceID string `json:"trace_id"`
	SpanID  string `json:"span_id"`
	Code    int    `json:"code"` // of a request
}

// level returns the level that a line should have: warn for a request that failed, info for others.
func (l line) level() string {
	if l.Code >= 500 {
		return "warn"
	}
	return "info"
}

// linesOf returns the lines of a trace, in what has been printed since an offset.
func linesOf(t *testing.T, trace string, since int64) []line {
	t.Helper()
	f, err := os.Open(*logs)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(since, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	var found []line
	for r := bufio.NewReader(f); ; {
		text, err := r.ReadBytes('\n')
		if err != nil { // the last line may be incomplete
			return found
		}
		if !bytes.Contains(text, []byte(trace)) {
			continue
		}
		var l line
		if err := json.Unmarshal(text[max(0, bytes.IndexByte(text, '{')):], &l); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		found = append(found, l)
	}
}

// TestLogs: the lines of a request have its trace id, at every hop, and all fields that a reader needs.
func TestLogs(t *testing.T) {
	t.Parallel()
	if *logs == "" {
		skip(t, "no LOGS given: what pods print is not read")
	}
	file, err := os.Stat(*logs)
	if err != nil {
		t.Fatal(err)
	}
	trace := newID(16)
	get(t, page("/slow-page"), headers{"b3": trace + "-" + newID(8) + "-1", "x-dev-user": "stressTest"}) // no pod on this path fails on purpose
	want := map[string]string{"front": "request", "middle": "request", "core": "Calling the slow function 'data_transformation'"}
	if code, _ := slowPage(); code == 403 { // core's sidecar rejects it
		delete(want, "core")
	}
	var lines []line
	if !eventually(arrival, func() bool {
		missing := maps.Clone(want)
		lines = linesOf(t, trace, file.Size())
		for _, l := range lines {
			if l.Msg == missing[l.Service] {
				delete(missing, l.Service)
			}
		}
		return len(missing) == 0
	}) {
		t.Fatalf("the lines of trace %s are %+v, wanted at least %v", trace, lines, want)
	}
	for _, l := range lines {
		if _, err := time.Parse(time.RFC3339Nano, l.TS); err != nil || l.Level != l.level() || l.Version == "" || l.Caller == "" || l.TraceID != trace || len(l.SpanID) != 16 {
			t.Errorf("line %+v: wanted ts, level %s, version, caller, the trace and a span", l, l.level())
		}
	}
}
