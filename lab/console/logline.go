package console

import (
	"slices"

	"github.com/hopline/hopline/lab/internal/logline"
	"github.com/hopline/hopline/lab/internal/podlog"
)

// Log is one line of a process, split into fields if it is one of the suite's JSON lines.
type Log struct {
	At        int64  `json:"at"` // microseconds after the trace's start; may be negative
	Pod       string `json:"pod"`
	Container string `json:"container,omitempty"` // only in a pod of several
	Level     string `json:"level"`               // "info", "error" …; empty where the line is not JSON
	Service   string `json:"service"`
	Version   string `json:"version"`
	Span      string `json:"span"`
	Message   string `json:"message"` // the whole line where it is not JSON
	Fields    string `json:"fields"`  // the other fields of the line: "code=500 route=/hops"
}

// logsOf parses lines. It returns at most maxLogs, the latest.
func logsOf(lines []podlog.Line, start int64) []Log {
	logs := []Log{}
	for _, line := range lines[max(0, len(lines)-maxLogs):] {
		logs = append(logs, logOf(line, start))
	}
	slices.SortStableFunc(logs, func(a, b Log) int { return int(max(-1, min(1, a.At-b.At))) })
	return logs
}

func logOf(line podlog.Line, start int64) Log {
	log := Log{Pod: line.Pod, Container: line.Container, Message: line.Text, At: line.Time.UnixMicro() - start}
	parsed, ok := logline.Parse(line.Text)
	if !ok {
		return log
	}
	if !parsed.Time.IsZero() {
		log.At = parsed.Time.UnixMicro() - start
	}
	log.Level, log.Service, log.Version, log.Span, log.Message = parsed.Level, parsed.Service, parsed.Version, parsed.Span, parsed.Message
	log.Fields = logline.Join(parsed.Fields, "trace_id", "request_id") // a trace, and LogLine, have them beside the line
	return log
}
