package console

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/podlog"
)

// write adds lines of two workloads to the output of a lab.
func write(source *lab, lines ...string) {
	for _, text := range lines {
		deployment, text, _ := strings.Cut(text, ": ")
		source.Logs().Add(podlog.NewLine(deployment+"-1", "hopline/"+deployment, text))
	}
}

func texts(lines []LogLine) string {
	var all []string
	for _, line := range lines {
		all = append(all, line.Message)
	}
	return strings.Join(all, ", ")
}

func TestLogs(t *testing.T) {
	t.Parallel()
	source := &lab{}
	_, url, _ := serve(t, source)
	write(source, `front-blue: {"level":"INFO","msg":"one","service":"front","version":"blue","trace_id":"`+traceID+`","code":200}`, `middle-prod: {"level":"ERROR","msg":"two"}`, "middle-dev: panic: three")
	for query, want := range map[string]struct {
		code int
		text string
	}{
		"":                                 {200, "one, two, panic: three"},
		"limit=2":                          {200, "two, panic: three"},
		"level=error":                      {200, "two, panic: three"},
		"level=ERROR&workload=middle":      {200, "two, panic: three"},
		"workload=middle-dev":              {200, "panic: three"},
		"trace=" + traceID:                 {200, "one"},
		"trace=00000000000000aa":           {200, ""},
		"text=thr":                         {200, "panic: three"},
		"level=loud":                       {400, `level: want debug, info, warn, error, fatal, got "loud"`},
		"trace=nonsense":                   {400, `trace: want 16 or 32 hex digits in lower case, got "nonsense"`},
		"limit=0":                          {400, `limit: want a number from 1 to 1000, got "0"`},
		"limit=1001":                       {400, `got "1001"`},
		"text=" + strings.Repeat("x", 257): {400, "text: want at most 256 bytes, got 257"},
	} {
		code, body := get(t, url+"/api/logs?"+query)
		var got struct {
			Lines
			Error string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatalf("%s: %v: %s", query, err, body)
		}
		text := texts(got.Lines.Lines)
		if code != 200 {
			text = got.Error
		}
		if code != want.code || code == 200 && text != want.text || !strings.Contains(text, want.text) {
			t.Errorf("%.40s: %d %s, want %d %s", query, code, text, want.code, want.text)
		}
	}
	_, body := get(t, url+"/api/logs?limit=3")
	var all Lines
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatal(err)
	}
	first := all.Lines[0]
	if first.Workload != "hopline/front-blue" || first.Trace != traceID || first.Level != "info" || first.Service != "front" || first.Fields != "code=200" || first.At < 1e15 || first.Number >= all.Lines[1].Number {
		t.Errorf("the first line is %+v", first)
	}
}

// tail is an open connection to /api/logs/follow.
type tail struct {
	t     *testing.T
	lines *bufio.Scanner
	id    string // of the last event
}

func follow(t *testing.T, url, lastID string) *tail {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", lastID)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%s with %q, want 200 with text/event-stream", resp.Status, kind)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return &tail{t: t, lines: bufio.NewScanner(resp.Body)}
}

// next returns the next event.
func (f *tail) next() Lines {
	f.t.Helper()
	for f.lines.Scan() {
		if id, ok := strings.CutPrefix(f.lines.Text(), "id: "); ok {
			f.id = id
		}
		text, isData := strings.CutPrefix(f.lines.Text(), "data: ")
		if !isData {
			continue
		}
		var lines Lines
		if err := json.Unmarshal([]byte(text), &lines); err != nil {
			f.t.Fatal(err)
		}
		return lines
	}
	f.t.Fatalf("the stream ended: %v", f.lines.Err())
	return Lines{}
}

// TestFollowLogs checks that a reader gets the kept lines and then each new one that its filter selects, once; and the lines that it missed
// while it was disconnected.
func TestFollowLogs(t *testing.T) {
	t.Parallel()
	source := &lab{}
	_, url, _ := serve(t, source)
	write(source, "front-blue: one", "middle-prod: two")
	page := follow(t, url+"/api/logs/follow?workload=middle", "")
	if got := texts(page.next().Lines); got != "two" {
		t.Errorf("the first event has %q, want what is kept: two", got)
	}
	write(source, "front-blue: three", "middle-prod: four")
	if got := texts(page.next().Lines); got != "four" {
		t.Errorf("the next event has %q, want four", got)
	}
	write(source, "middle-prod: five")
	again := follow(t, url+"/api/logs/follow?workload=middle", page.id)
	if got := texts(again.next().Lines); got != "five" {
		t.Errorf("after it has reconnected it gets %q, want only the line since: five", got)
	}
	if code, body := get(t, url+"/api/logs/follow?level=loud"); code != 400 || !strings.Contains(body, `"error":"level: want`) {
		t.Errorf("a wrong level: %d %s, want 400", code, body)
	}
}

func TestTooManyReaders(t *testing.T) {
	t.Parallel()
	source := &lab{}
	c, url, _ := serve(t, source)
	c.readers.Store(maxReaders)
	if code, body := get(t, url+"/api/logs/follow"); code != 503 || !strings.Contains(body, "follow the logs already") {
		t.Errorf("%d %s, want 503", code, body)
	}
	c.readers.Store(maxReaders - 1)
	follow(t, url+"/api/logs/follow", "").next()
}
