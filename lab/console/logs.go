package console

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/hopline/hopline/lab/internal/podlog"
)

// The bounds on the lines of one response, and on those who follow them.
const (
	usualLines  = 200
	maxLines    = 1000
	maxReaders  = 64
	maxFilter   = 256                    // bytes of each part of a filter
	maxBatch    = 100                    // lines of one event
	batchEvery  = 100 * time.Millisecond // from one batch of events to the next
	noMoreLines = "%d pages and terminals follow the logs already"
)

// Lines is the response of /api/logs, and an event of /api/logs/follow.
type Lines struct {
	Lines  []LogLine `json:"lines"`  // the oldest first
	Missed int       `json:"missed"` // lines after them that this reader was too slow for
}

// LogLine is one line of all processes. At is in microseconds since 1970.
type LogLine struct {
	Log
	Number   uint64 `json:"number"`   // grows from line to line
	Workload string `json:"workload"` // namespace/name
	Trace    string `json:"trace"`    // 32 hex digits; empty where the line names none
}

func linesOf(lines []podlog.Line, missed int) Lines {
	out := Lines{Lines: make([]LogLine, len(lines)), Missed: missed}
	for i, line := range lines {
		out.Lines[i] = LogLine{Log: logOf(line, 0), Number: line.Number, Workload: line.Deployment, Trace: line.Trace}
	}
	return out
}

// traceFilter matches the ids that a filter accepts.
var traceFilter = regexp.MustCompile(`^([0-9a-f]{16}|[0-9a-f]{32})$`)

// parseFilter reads a filter and the number of lines from a URL: level, workload, trace, text, limit. The error names all that is wrong.
func parseFilter(values url.Values) (f podlog.Filter, limit int, err error) {
	f, limit = podlog.Filter{Workload: values.Get("workload"), Text: values.Get("text")}, usualLines
	var errs []error
	if text := values.Get("level"); text != "" {
		f.Level, err = podlog.ParseLevel(text)
		errs = append(errs, err)
	}
	if text := values.Get("trace"); text != "" {
		if !traceFilter.MatchString(text) {
			errs = append(errs, fmt.Errorf("trace: want 16 or 32 hex digits in lower case, got %.64q", text))
		}
		f.Trace = podlog.FullTrace(text)
	}
	for _, name := range []string{"workload", "text"} {
		if n := len(values.Get(name)); n > maxFilter {
			errs = append(errs, fmt.Errorf("%s: want at most %d bytes, got %d", name, maxFilter, n))
		}
	}
	if text := values.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLines {
			errs = append(errs, fmt.Errorf("limit: want a number from 1 to %d, got %.64q", maxLines, text))
		}
	}
	return f, limit, errors.Join(errs...)
}

func (c *Console) serveLogs(w http.ResponseWriter, r *http.Request) {
	filter, limit, err := parseFilter(r.URL.Query())
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, linesOf(c.source.Logs().Last(limit, filter, 0), 0))
}

// followLogs sends the last lines that a filter selects, and then each new one. A client that reconnects with Last-Event-ID gets only the
// lines after that.
func (c *Console) followLogs(w http.ResponseWriter, r *http.Request) {
	filter, limit, err := parseFilter(r.URL.Query())
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	defer c.readers.Add(-1)
	if c.readers.Add(1) > maxReaders {
		w.Header().Set("Retry-After", "5")
		writeError(w, http.StatusServiceUnavailable, fmt.Errorf(noMoreLines, maxReaders))
		return
	}
	follower := c.source.Logs().Follow(filter)
	defer follower.Close()
	seen, _ := strconv.ParseUint(cmp.Or(r.Header.Get("Last-Event-ID"), "0"), 10, 64) // another server may have sent an invalid number
	kept := c.source.Logs().Last(limit, filter, seen)
	for len(kept) > 0 && kept[len(kept)-1].Number > follower.After { // the follower gets it as well
		kept = kept[:len(kept)-1]
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-c.events.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	stream := openStream(w)
	if stream.send("retry: 1000\n\n") && stream.sendLines(kept, 0, follower.After) {
		stream.pass(ctx, follower)
	}
}

// pass sends the lines of a follower until ctx ends or the client has gone.
func (s eventStream) pass(ctx context.Context, follower *podlog.Follower) {
	for {
		wait, cancel := context.WithTimeout(ctx, pingEvery)
		lines, missed, err := follower.Next(wait)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if !s.send(": still here\n\n") {
				return
			}
			continue
		case len(lines) == 0:
			continue
		}
		if !s.sendLines(lines, missed, lines[len(lines)-1].Number) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(batchEvery):
		}
	}
}

// sendLines sends lines as events of at most maxBatch lines, one at least. The id of the last event is the number last.
func (s eventStream) sendLines(lines []podlog.Line, missed int, last uint64) bool {
	for len(lines) > maxBatch {
		if !s.sendEvent(linesOf(lines[:maxBatch], 0), lines[maxBatch-1].Number) {
			return false
		}
		lines = lines[maxBatch:]
	}
	return s.sendEvent(linesOf(lines, missed), last)
}

func (s eventStream) sendEvent(lines Lines, id uint64) bool {
	data, err := json.Marshal(lines)
	if err != nil {
		panic(err) // Lines holds nothing that JSON cannot
	}
	return s.send(fmt.Sprintf("id: %d\ndata: %s\n\n", id, data))
}
