package server

import (
	"net/http"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/hopline/hopline/pkg/telemetry"
)

// log writes the access log's line of a request: level info, or warn for a 5xx or no response. The encoder escapes values from outside.
func (x *record) log(r *http.Request, route string, took time.Duration) {
	level := zapcore.InfoLevel
	if x.outcome >= 500 || x.outcome == codeDropped {
		level = zapcore.WarnLevel
	}
	line := x.service.Telemetry.Logger.Check(level, "request")
	if line == nil {
		return // below LOG_LEVEL
	}
	span := x.span.SpanContext()
	fields := []zap.Field{
		zap.String(telemetry.TraceIDField, span.TraceID().String()),
		zap.String(telemetry.SpanIDField, span.SpanID().String()),
		zap.String("method", short(r.Method)),
		zap.String("path", short(r.URL.Path)),
		zap.String("route", route),
		zap.Int("code", x.outcome),
		zap.Float64("duration_ms", float64(took.Microseconds())/1000),
		zap.Int64("bytes", x.written),
		zap.String("request_id", short(x.forwarded.RequestID())),
		zap.String("peer", r.RemoteAddr),
	}
	if x.faults != "" {
		fields = append(fields, zap.String("fault_injected", x.faults))
	}
	line.Write(fields...)
}

// short limits how much of a client's value is written into one line.
func short(s string) string {
	const longest = 512
	if len(s) > longest {
		return s[:longest] + "…"
	}
	return s
}
