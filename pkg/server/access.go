package server

import (
	"net/http"
	"runtime"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/hopline/hopline/pkg/telemetry"
)

// access writes one line per request. It hands entries to zap's core itself: the caller is always this file, and looking it up for each
// request would cost more than writing the line.
type access struct {
	core   zapcore.Core
	caller zapcore.EntryCaller
}

func newAccess(logger *zap.Logger) access {
	return access{logger.Core(), zapcore.NewEntryCaller(runtime.Caller(0))}
}

// log writes the line: info, or warn when the answer was a 5xx or none. Values from outside are escaped by the encoder.
func (a access) log(x *exchange, r *http.Request, route string, code int, took time.Duration, now time.Time, room *scratch) {
	level := zapcore.InfoLevel
	if code >= 500 || code == codeDropped {
		level = zapcore.WarnLevel
	}
	if !a.core.Enabled(level) {
		return
	}
	fields := append(room.fields[:0],
		zap.String(telemetry.TraceIDField, x.traceID),
		zap.String(telemetry.SpanIDField, x.spanID),
		zap.String("method", short(r.Method)),
		zap.String("path", short(r.URL.Path)),
		zap.String("route", route),
		zap.Int("code", code),
		zap.Float64("duration_ms", float64(took.Microseconds())/1000),
		zap.Int64("bytes", x.written),
		zap.String("request_id", short(x.forwarded.RequestID())),
		zap.String("peer", r.RemoteAddr),
	)
	if x.faults != "" {
		fields = append(fields, zap.String("fault_injected", x.faults))
	}
	entry := zapcore.Entry{Level: level, Time: now, Message: "request", Caller: a.caller}
	_ = a.core.Write(entry, fields) // a full disk must not fail the request
}

// short bounds what a client can put into one line.
func short(s string) string {
	const longest = 512
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}
