package telemetry

import (
	"context"
	"strings"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/hopline/hopline/pkg/header"
)

// decision is what the sender of B3 headers said about sampling beyond what a span context can say.
type decision int

const (
	inSpanContext decision = iota // the span context says it, or nobody did
	decideHere                    // ids without a decision
	accepted                      // a decision without ids: yes
	denied                        // a decision without ids: no
)

type decisionKey struct{}

// state is what B3 headers leave in a context. It concerns the first span that is started there and no span below it.
type state struct {
	decision decision
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

// b3Propagator is OpenTelemetry's B3 propagator with these differences:
//   - ids without a decision leave the decision to this service; OpenTelemetry's takes them for "not sampled" and, when it injects,
//     leaves the decision out;
//   - a decision without ids, or beside a broken id, holds for the new trace; OpenTelemetry's drops it;
//   - upper-case ids are read, and passed on in lower case;
//   - nothing is injected without a span.
type b3Propagator struct{ propagation.TextMapPropagator }

// newB3 injects the forms of encoding. It extracts both, the single header first.
func newB3(encoding b3.Encoding) b3Propagator {
	return b3Propagator{b3.New(b3.WithInjectEncoding(encoding))}
}

// Inject implements propagation.TextMapPropagator.
func (p b3Propagator) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	if trace.SpanContextFromContext(ctx).IsValid() {
		p.TextMapPropagator.Inject(ctx, carrier)
	}
}

// Extract implements propagation.TextMapPropagator.
func (p b3Propagator) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	if single, said := completeSingle(carrier.Get(header.B3)); single.b3 != "" {
		if extracted, ids := p.extract(ctx, single, said); ids || isDecision(single.b3) {
			return extracted
		}
	}
	multi, said := completeMulti(b3Headers{
		traceID: carrier.Get(header.B3TraceID), spanID: carrier.Get(header.B3SpanID),
		sampled: carrier.Get(header.B3Sampled), flags: carrier.Get(header.B3Flags),
	})
	extracted, _ := p.extract(ctx, multi, said)
	return extracted
}

// extract puts what the headers say into a context, and reports whether there were ids. said is the decision in them: 0, 1, d, or
// nothing.
func (p b3Propagator) extract(ctx context.Context, headers b3Headers, said string) (_ context.Context, ids bool) {
	if headers == (b3Headers{}) {
		return ctx, false
	}
	began := ctx
	if trace.SpanContextFromContext(ctx).IsValid() { // of another propagator
		began = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	}
	extracted := p.TextMapPropagator.Extract(began, headers)
	parent := trace.SpanContextFromContext(extracted)
	switch {
	case parent.IsValid() && said == "":
		return context.WithValue(extracted, decisionKey{}, &state{decideHere, parent}), true
	case parent.IsValid():
		return extracted, true
	case began != ctx || said == "":
		return ctx, false
	case said == "0":
		return context.WithValue(extracted, decisionKey{}, &state{decision: denied}), false
	default:
		return context.WithValue(extracted, decisionKey{}, &state{decision: accepted}), false
	}
}

// b3Headers are the headers of one of the two forms, as OpenTelemetry's propagator understands them.
type b3Headers struct{ b3, traceID, spanID, sampled, flags string }

// completeSingle reads the single header {trace id}-{span id}[-{decision}[-{parent id}]], or a decision alone. Without a decision it
// adds one that OpenTelemetry's propagator accepts. What has no such form is left out.
func completeSingle(text string) (h b3Headers, said string) {
	if text == "" {
		return h, ""
	}
	parts := strings.Split(text, "-")
	switch {
	case len(parts) == 1 && isDecision(text):
		return b3Headers{b3: text}, text
	case len(parts) == 2:
		return b3Headers{b3: strings.ToLower(text) + "-0"}, ""
	case len(parts) > 2 && isDecision(parts[2]):
		return b3Headers{b3: strings.ToLower(text)}, parts[2]
	}
	return h, ""
}

// completeMulti does the same for the several headers. The words true and false are from old senders.
func completeMulti(h b3Headers) (_ b3Headers, said string) {
	if h == (b3Headers{}) {
		return h, ""
	}
	h.traceID, h.spanID = strings.ToLower(h.traceID), strings.ToLower(h.spanID)
	switch sampled := strings.ToLower(h.sampled); {
	case h.flags == "1":
		said = "d"
	case sampled == "1" || sampled == "true":
		said = "1"
	case sampled == "0" || sampled == "false":
		said = "0"
	}
	if said == "" || said == "d" {
		h.sampled = "0" // the flags go before it
	}
	return h, said
}

func isDecision(s string) bool { return s == "0" || s == "1" || s == "d" }

// Get implements propagation.TextMapCarrier.
func (h b3Headers) Get(name string) string {
	switch name {
	case "b3":
		return h.b3
	case "x-b3-traceid":
		return h.traceID
	case "x-b3-spanid":
		return h.spanID
	case "x-b3-sampled":
		return h.sampled
	case "x-b3-flags":
		return h.flags
	}
	return ""
}

// Set implements propagation.TextMapCarrier; nothing is injected into these headers.
func (b3Headers) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (b3Headers) Keys() []string { return nil }
