package telemetry

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// spanEncoder writes spans as Zipkin's JSON, version 2, by the mapping of OpenTelemetry's specification
// (https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/). What all spans of a resource share is written once.
type spanEncoder struct {
	endpoint []byte                     // "localEndpoint":{…}
	tags     []byte                     // "key":"value",… of the resource
	keys     map[attribute.Key]struct{} // of these tags
}

func newSpanEncoder(r *resource.Resource) spanEncoder {
	e := spanEncoder{keys: map[attribute.Key]struct{}{}}
	name, _ := r.Set().Value(semconv.ServiceNameKey)
	e.endpoint = append(appendString([]byte(`"localEndpoint":{"serviceName":`), name.AsString()), '}')
	for _, kv := range r.Attributes() {
		e.tags = appendTag(e.tags, kv)
		e.keys[kv.Key] = struct{}{}
	}
	return e
}

// append writes one span.
func (e spanEncoder) append(b []byte, span sdk.ReadOnlySpan) []byte {
	sc := span.SpanContext()
	b = append(b, `{"traceId":"`...)
	b = appendTraceID(b, sc.TraceID())
	b = append(b, `","id":"`...)
	b = appendSpanID(b, sc.SpanID())
	if parent := span.Parent().SpanID(); parent.IsValid() {
		b = append(b, `","parentId":"`...)
		b = appendSpanID(b, parent)
	}
	b = append(b, '"')
	if kind := zipkinKind(span.SpanKind()); kind != "" {
		b = append(append(append(b, `,"kind":"`...), kind...), '"')
	}
	b = appendString(append(b, `,"name":`...), span.Name())
	b = strconv.AppendInt(append(b, `,"timestamp":`...), micros(span.StartTime()), 10)
	if d := duration(span); d > 0 {
		b = strconv.AppendInt(append(b, `,"duration":`...), d, 10)
	}
	b = append(append(b, ','), e.endpoint...)
	b = appendRemote(b, span)
	b = appendAnnotations(b, span.Events())
	b = append(b, `,"tags":{`...)
	b = append(e.appendTags(b, span), e.tags...)
	b = b[:len(b)-1] // the last comma; there is always a tag
	return append(b, '}', '}')
}

// appendTags writes what is the span's own, each followed by a comma. A resource's attribute of the same key goes before it.
func (e spanEncoder) appendTags(b []byte, span sdk.ReadOnlySpan) []byte {
	for _, kv := range span.Attributes() {
		if _, shared := e.keys[kv.Key]; !shared && kv.Key != "error" {
			b = appendTag(b, kv)
		}
	}
	switch status := span.Status(); status.Code {
	case codes.Error:
		b = append(b, `"otel.status_code":"ERROR","error":`...)
		b = append(appendString(b, status.Description), ',')
	case codes.Ok:
		b = append(b, `"otel.status_code":"OK",`...)
	}
	b = append(b, `"otel.scope.name":`...)
	b = append(appendString(b, span.InstrumentationScope().Name), ',')
	return b
}

func appendTag(b []byte, kv attribute.KeyValue) []byte {
	b = append(appendString(b, string(kv.Key)), ':')
	switch kv.Value.Type() {
	case attribute.STRING:
		b = appendString(b, kv.Value.AsString())
	case attribute.INT64:
		b = append(strconv.AppendInt(append(b, '"'), kv.Value.AsInt64(), 10), '"')
	case attribute.BOOL:
		b = append(strconv.AppendBool(append(b, '"'), kv.Value.AsBool()), '"')
	case attribute.FLOAT64:
		b = append(strconv.AppendFloat(append(b, '"'), kv.Value.AsFloat64(), 'g', -1, 64), '"')
	case attribute.BOOLSLICE, attribute.INT64SLICE, attribute.FLOAT64SLICE, attribute.STRINGSLICE:
		list, _ := json.Marshal(kv.Value.AsInterface()) // a list of plain values can always be written, but for NaN
		b = appendString(b, string(list))
	default:
		b = appendString(b, kv.Value.String())
	}
	return append(b, ',')
}

// appendRemote names the other side of a call.
func appendRemote(b []byte, span sdk.ReadOnlySpan) []byte {
	if kind := span.SpanKind(); kind != trace.SpanKindClient && kind != trace.SpanKindProducer {
		return b
	}
	name := ""
	for _, kv := range span.Attributes() {
		if kv.Key == "peer.service" || kv.Key == semconv.ServerAddressKey && name == "" {
			name = kv.Value.AsString()
		}
	}
	if name == "" {
		return b
	}
	return append(appendString(append(b, `,"remoteEndpoint":{"serviceName":`...), name), '}')
}

// appendAnnotations writes events, their attributes as JSON behind the name.
func appendAnnotations(b []byte, events []sdk.Event) []byte {
	if len(events) == 0 {
		return b
	}
	b = append(b, `,"annotations":[`...)
	for i, event := range events {
		if i > 0 {
			b = append(b, ',')
		}
		value := event.Name
		if len(event.Attributes) > 0 {
			attributes := make(map[string]any, len(event.Attributes))
			for _, kv := range event.Attributes {
				attributes[string(kv.Key)] = kv.Value.AsInterface()
			}
			if text, err := json.Marshal(attributes); err == nil {
				value += ": " + string(text)
			}
		}
		b = strconv.AppendInt(append(b, `{"timestamp":`...), micros(event.Time), 10)
		b = append(appendString(append(b, `,"value":`...), value), '}')
	}
	return append(b, ']')
}

func zipkinKind(kind trace.SpanKind) string {
	switch kind {
	case trace.SpanKindServer:
		return "SERVER"
	case trace.SpanKindClient:
		return "CLIENT"
	case trace.SpanKindProducer:
		return "PRODUCER"
	case trace.SpanKindConsumer:
		return "CONSUMER"
	}
	return ""
}

func micros(t time.Time) int64 { return t.Round(time.Microsecond).UnixMicro() }

// duration is in microseconds, at least one for what took any time.
func duration(span sdk.ReadOnlySpan) int64 {
	d := span.EndTime().Sub(span.StartTime())
	if d <= 0 {
		return 0
	}
	return max(1, d.Round(time.Microsecond).Microseconds())
}

// appendTraceID writes 32 digits, or 16 when the upper half is zero, as Zipkin does for callers with 64-bit ids.
func appendTraceID(b []byte, id trace.TraceID) []byte {
	if [8]byte(id[:8]) == [8]byte{} {
		return hex.AppendEncode(b, id[8:])
	}
	return hex.AppendEncode(b, id[:])
}

func appendSpanID(b []byte, id trace.SpanID) []byte { return hex.AppendEncode(b, id[:]) }

// appendString writes a JSON string. Bytes that are no UTF-8 become the replacement character, as in encoding/json.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	if isPlain(s) {
		return append(append(b, s...), '"')
	}
	for plain := 0; ; {
		at := strings.IndexFunc(s[plain:], needsEscape)
		if at < 0 {
			return append(append(b, s[plain:]...), '"')
		}
		b = append(b, s[plain:plain+at]...)
		r, size := utf8.DecodeRuneInString(s[plain+at:])
		b = appendEscaped(b, r)
		plain += at + size
	}
}

// isPlain is true of most strings, and quickly told.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func needsEscape(r rune) bool {
	return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError || r == '\u2028' || r == '\u2029'
}

func appendEscaped(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, '\\', 'n')
	case utf8.RuneError:
		return append(b, `\ufffd`...)
	}
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&0xf], digits[r>>8&0xf], digits[r>>4&0xf], digits[r&0xf])
}
