package telemetry

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Header names of B3 in the form that net/http keeps them, so that no call has to canonicalize.
const (
	headerB3      = "B3"
	headerTraceID = "X-B3-Traceid"
	headerSpanID  = "X-B3-Spanid"
	headerSampled = "X-B3-Sampled"
	headerFlags   = "X-B3-Flags"
)

// decision is what B3's sender said about sampling beyond what a span context can say.
type decision int

const (
	inSpanContext decision = iota // the span context says it, or nobody did
	decideHere                    // ids without a decision
	accepted                      // a bare 1
	denied                        // a bare 0
)

type decisionKey struct{}

// state is what a B3 header leaves in a context. It concerns the first span that is started there and no span below it.
type state struct {
	decision decision
	debug    bool
	parent   trace.SpanContext // as extracted, to tell the first span from those below it
}

// decisionOf is the decision for a span started in ctx.
func decisionOf(ctx context.Context) decision {
	s, _ := ctx.Value(decisionKey{}).(*state)
	if s == nil || !s.parent.Equal(trace.SpanContextFromContext(ctx)) {
		return inSpanContext
	}
	return s.decision
}

// b3 is the B3 propagator (https://github.com/openzipkin/b3-propagation). Where OpenTelemetry's own and the specification agree
// it does the same, held by a test. Beyond that:
//   - ids without a decision leave the decision to this service; OpenTelemetry's takes them for "not sampled";
//   - a bare 0, 1 or d is obeyed for the new trace; OpenTelemetry's drops it;
//   - upper-case ids are read, and passed on in lower case;
//   - a broken id starts a new trace, a decision beside it still holds.
type b3 struct {
	single, multi bool // the forms that Inject writes; Extract reads both, the single header first
}

// Fields implements propagation.TextMapPropagator.
func (p b3) Fields() []string {
	var fields []string
	if p.single {
		fields = append(fields, headerB3)
	}
	if p.multi {
		fields = append(fields, headerTraceID, headerSpanID, headerSampled, headerFlags)
	}
	return fields
}

// Inject implements propagation.TextMapPropagator.
func (p b3) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return
	}
	sampled := "0"
	if span.IsSampled() {
		sampled = "1"
	}
	s, _ := ctx.Value(decisionKey{}).(*state)
	debug := s != nil && s.debug
	traceID, spanID := span.TraceID().String(), span.SpanID().String()
	if p.multi {
		carrier.Set(headerTraceID, traceID)
		carrier.Set(headerSpanID, spanID)
		if debug { // implies the decision, which then must not be sent beside it
			carrier.Set(headerFlags, "1")
		} else {
			carrier.Set(headerSampled, sampled)
		}
	}
	if p.single {
		if debug {
			sampled = "d"
		}
		carrier.Set(headerB3, traceID+"-"+spanID+"-"+sampled)
	}
}

// Extract implements propagation.TextMapPropagator.
func (p b3) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	if header := carrier.Get(headerB3); header != "" {
		if f, ok := parseSingle(header); ok {
			return f.into(ctx)
		}
	}
	f := fields{
		traceID: carrier.Get(headerTraceID),
		spanID:  carrier.Get(headerSpanID),
		sampled: carrier.Get(headerSampled),
	}
	if carrier.Get(headerFlags) == "1" {
		f.sampled = "d"
	}
	if f == (fields{}) {
		return ctx
	}
	return f.into(ctx)
}

// fields are the parts of either form, as text.
type fields struct{ traceID, spanID, sampled string }

// parseSingle splits {trace id}-{span id}[-{decision}[-{parent id}]], or a decision alone. It reports false for
// anything else, so that the other headers are read instead.
func parseSingle(header string) (fields, bool) {
	parts := strings.Split(header, "-")
	switch len(parts) {
	case 1:
		return fields{sampled: parts[0]}, knownDecision(parts[0])
	case 4:
		if _, ok := spanID(parts[3]); !ok {
			return fields{}, false
		}
	case 2:
		parts = append(parts, "")
	case 3:
	default:
		return fields{}, false
	}
	f := fields{parts[0], parts[1], parts[2]}
	_, ids := f.spanContext()
	return f, ids && (f.sampled == "" && len(header) == len(f.traceID)+len(f.spanID)+1 || knownDecision(f.sampled))
}

func knownDecision(s string) bool { return s == "0" || s == "1" || s == "d" }

// spanContext is the remote parent, false when an id is broken or missing.
func (f fields) spanContext() (trace.SpanContextConfig, bool) {
	tid, ok1 := traceID(f.traceID)
	sid, ok2 := spanID(f.spanID)
	return trace.SpanContextConfig{TraceID: tid, SpanID: sid, Remote: true}, ok1 && ok2
}

// into puts what the fields say into ctx.
func (f fields) into(ctx context.Context) context.Context {
	config, ids := f.spanContext()
	s := &state{}
	switch strings.ToLower(f.sampled) {
	case "d":
		s.debug = true
		s.decision, config.TraceFlags = accepted, trace.FlagsSampled
	case "1", "true": // true and false are from old senders
		s.decision, config.TraceFlags = accepted, trace.FlagsSampled
	case "0", "false":
		s.decision = denied
	default:
		if !ids {
			return ctx
		}
		s.decision = decideHere
	}
	if ids {
		s.parent = trace.NewSpanContext(config)
		ctx = trace.ContextWithSpanContext(ctx, s.parent)
		if s.decision != decideHere {
			s.decision = inSpanContext
		}
		if s.decision == inSpanContext && !s.debug {
			return ctx
		}
	}
	return context.WithValue(ctx, decisionKey{}, s)
}

// traceID reads 32 or 16 hex digits of either case; 16 are the lower half.
func traceID(text string) (trace.TraceID, bool) {
	var id trace.TraceID
	ok := (len(text) == 32 && fromHex(id[:], text)) || (len(text) == 16 && fromHex(id[8:], text))
	return id, ok && id.IsValid()
}

// spanID reads 16 hex digits of either case.
func spanID(text string) (trace.SpanID, bool) {
	var id trace.SpanID
	ok := len(text) == 16 && fromHex(id[:], text)
	return id, ok && id.IsValid()
}

// fromHex decodes text into id, which is half as long.
func fromHex(id []byte, text string) bool {
	for i := range id {
		high, ok1 := digit(text[2*i])
		low, ok2 := digit(text[2*i+1])
		if !ok1 || !ok2 {
			return false
		}
		id[i] = high<<4 | low
	}
	return true
}

func digit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
