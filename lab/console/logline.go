package console

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/internal/workload"
)

// Log is one line of a process, split into fields if it is one of the suite's JSON lines.
type Log struct {
	At      int64  `json:"at"` // microseconds after the trace's start; may be negative
	Pod     string `json:"pod"`
	Level   string `json:"level"` // "info", "error" …; empty where the line is not JSON
	Service string `json:"service"`
	Version string `json:"version"`
	Span    string `json:"span"`
	Message string `json:"message"` // the whole line where it is not JSON
	Fields  string `json:"fields"`  // the other fields of the line: "code=500 route=/hops"
}

// known holds the fields that every line has and that the console shows separately, or that add nothing beside a trace.
var known = map[string]bool{"ts": true, "level": true, "msg": true, "service": true, "version": true, "caller": true, "trace_id": true, "span_id": true, "request_id": true}

// logsOf parses lines. It returns at most maxLogs, the latest.
func logsOf(lines []workload.Line, start int64) []Log {
	logs := []Log{}
	for _, line := range lines[max(0, len(lines)-maxLogs):] {
		logs = append(logs, logOf(line, start))
	}
	slices.SortStableFunc(logs, func(a, b Log) int { return int(max(-1, min(1, a.At-b.At))) })
	return logs
}

func logOf(line workload.Line, start int64) Log {
	log := Log{Pod: line.Pod, Message: line.Text, At: line.Time.UnixMicro() - start}
	var fields map[string]any
	decoder := json.NewDecoder(strings.NewReader(line.Text))
	decoder.UseNumber() // as written in the line: 1048576, not 1.048576e+06
	if decoder.Decode(&fields) != nil || fields == nil || decoder.More() {
		return log
	}
	text := func(name string) string {
		if value, there := fields[name]; there {
			return fmt.Sprint(value)
		}
		return ""
	}
	if ts, err := time.Parse(time.RFC3339Nano, text("ts")); err == nil {
		log.At = ts.UnixMicro() - start
	}
	log.Level, log.Service, log.Version, log.Span, log.Message = strings.ToLower(text("level")), text("service"), text("version"), text("span_id"), text("msg")
	var rest []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !known[name] {
			rest = append(rest, fmt.Sprintf("%s=%v", name, fields[name]))
		}
	}
	log.Fields = strings.Join(rest, " ")
	return log
}
