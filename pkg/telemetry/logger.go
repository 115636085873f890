package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLogger returns a logger that writes one line per event to out, as JSON or as text.
func newLogger(c *Config, out zapcore.WriteSyncer) (*zap.Logger, zap.AtomicLevel) {
	level, err := zap.ParseAtomicLevel(c.LogLevel)
	if err != nil { // Validate rejects what cannot be parsed
		level = zap.NewAtomicLevel()
	}
	encoder := zapcore.NewJSONEncoder(jsonEncoding)
	if c.LogFormat == "text" {
		encoder = newTextEncoder(c.ServiceName)
	}
	core := zapcore.NewCore(encoder, out, level)
	if c.LogFormat != "text" {
		core = core.With([]zapcore.Field{zap.String("service", c.ServiceName), zap.String("version", c.ServiceVersion)})
	}
	return zap.New(core, zap.AddCaller()), level
}

// jsonEncoding holds the keys of every line.
var jsonEncoding = zapcore.EncoderConfig{
	TimeKey:        "ts",
	LevelKey:       "level",
	MessageKey:     "msg",
	CallerKey:      "caller",
	StacktraceKey:  "stack",
	LineEnding:     "\n",
	EncodeTime:     encodeTime,
	EncodeLevel:    zapcore.LowercaseLevelEncoder,
	EncodeDuration: zapcore.StringDurationEncoder,
	EncodeCaller:   zapcore.ShortCallerEncoder,
}

// encodeTime writes RFC 3339 with all nine digits, in UTC, so that lines of several processes sort as text.
func encodeTime(t time.Time, out zapcore.PrimitiveArrayEncoder) {
	zapcore.TimeEncoderOfLayout(timeLayout)(t.UTC(), out)
}

const timeLayout = "2006-01-02T15:04:05.000000000Z"

// Log returns the logger whose lines have trace_id and span_id of ctx's span.
func (t *Telemetry) Log(ctx context.Context) *zap.Logger {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return t.Logger
	}
	return t.Logger.With(zap.String(TraceIDField, span.TraceID().String()), zap.String(SpanIDField, span.SpanID().String()))
}

// Fields that connect a line with its trace.
const (
	TraceIDField = "trace_id" // 32 hex digits
	SpanIDField  = "span_id"  // 16 hex digits
)
