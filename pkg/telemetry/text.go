package telemetry

import (
	"strconv"
	"strings"

	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// textEncoder writes lines of text:
//
//	2026-01-02T03:04:05.000000000Z INFO [middle/main.go:31] [trace_id=… span_id=… resource.service.name=middle] - msg {"more":"fields"}
//
// Fields stay JSON, so that values from outside cannot break out of their line.
type textEncoder struct {
	zapcore.Encoder // the fields, as one JSON object
	service         string
	traceID, spanID string
	pool            buffer.Pool
}

func newTextEncoder(service string) *textEncoder {
	return &textEncoder{
		Encoder: zapcore.NewJSONEncoder(zapcore.EncoderConfig{SkipLineEnding: true, EncodeDuration: zapcore.StringDurationEncoder}),
		service: service,
		pool:    buffer.NewPool(),
	}
}

// Clone implements zapcore.Encoder.
func (e *textEncoder) Clone() zapcore.Encoder {
	clone := *e
	clone.Encoder = e.Encoder.Clone()
	return &clone
}

// AddString implements zapcore.ObjectEncoder; it keeps the trace's fields for the head of the line.
func (e *textEncoder) AddString(key, value string) {
	switch key {
	case TraceIDField:
		e.traceID = value
	case SpanIDField:
		e.spanID = value
	default:
		e.Encoder.AddString(key, value)
	}
}

// EncodeEntry implements zapcore.Encoder.
func (e *textEncoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	traceID, spanID := e.traceID, e.spanID
	rest := make([]zapcore.Field, 0, len(fields))
	for _, f := range fields {
		switch f.Key {
		case TraceIDField:
			traceID = f.String
		case SpanIDField:
			spanID = f.String
		default:
			rest = append(rest, f)
		}
	}
	object, err := e.Encoder.EncodeEntry(zapcore.Entry{Stack: entry.Stack}, rest)
	if err != nil {
		return nil, err
	}
	defer object.Free()

	line := e.pool.Get()
	line.AppendTime(entry.Time.UTC(), timeLayout)
	line.AppendString(" " + entry.Level.CapitalString() + " [" + entry.Caller.TrimmedPath() + "] [trace_id=" + traceID +
		" span_id=" + spanID + " resource.service.name=" + e.service + "] - " + oneLine(entry.Message))
	if object.Len() > len("{}") {
		line.AppendByte(' ')
		line.AppendString(object.String())
	}
	line.AppendByte('\n')
	return line, nil
}

// oneLine quotes a message that is not plain text.
func oneLine(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) < 0 {
		return s
	}
	return strconv.Quote(s)
}
