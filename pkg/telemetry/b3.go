package telemetry

import (
	"context"
	"strings"

	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/hopline/hopline/pkg/header"
)

// decision is the part of a sender's sampling decision in B3 headers that a span context cannot hold.
type decision int

const (
	inSpanContext decision = iota // the span context holds the decision, or there is none
	decideHere                    // ids without a decision
	accepted                      // a positive decision without ids
	denied                        // a negative decision without ids
)

type decisionKey struct{}

// state is what B3 headers add to a context. It applies to the first span started there, and to no span below that one.
type state struct {
	decision decision
	parent   trace.SpanContext // as extracted, to distinguish the first span from those below it
}

// decisionOf returns the decision for a span started in ctx.
func decisionOf(ctx context.Context) decision {
	s, _ := ctx.Value(decisionKey{}).(*state)
	if s == nil || !s.parent.Equal(trace.SpanContextFromContext(ctx)) {
		return inSpanContext
	}
	return s.decision
}

// b3Propagator is OpenTelemetry's B3 propagator with these differences:
//   - with ids but no decision, this service decides; OpenTelemetry's takes that for "not sampled" and, when it injects, leaves
//     the decision out;
//   - a decision without ids, or with an invalid id, applies to the new trace; OpenTelemetry's drops it;
//   - upper-case ids are accepted, and passed on in lower case;
//   - nothing is injected without a span.
type b3Propagator struct{ propagation.TextMapPropagator }

// newB3 returns a propagator that injects the forms of encoding. It extracts both forms, the single header first.
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
	if single, given := completeSingle(carrier.Get(header.B3)); single.b3 != "" {
		if extracted, ids := p.extract(ctx, single, given); ids || isDecision(single.b3) {
			return extracted
		}
	}
	multi, given := completeMulti(b3Headers{
		traceID: carrier.Get(header.B3TraceID), spanID: carrier.Get(header.B3SpanID),
		sampled: carrier.Get(header.B3Sampled), flags: carrier.Get(header.B3Flags),
	})
	extracted, _ := p.extract(ctx, multi, given)
	return extracted
}

// extract puts the headers' content into a context, and reports whether there are ids. given is the decision in the headers: 0, 1, d, or
// empty.
func (p b3Propagator) extract(ctx context.Context, headers b3Headers, given string) (_ context.Context, ids bool) {
	if headers == (b3Headers{}) {
		return ctx, false
	}
	began := ctx
	if trace.SpanContextFromContext(ctx).IsValid() { // from another propagator
		began = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	}
	extracted := p.TextMapPropagator.Extract(began, headers)
	parent := trace.SpanContextFromContext(extracted)
	switch {
	case parent.IsValid() && given == "":
		return context.WithValue(extracted, decisionKey{}, &state{decideHere, parent}), true
	case parent.IsValid():
		return extracted, true
	case began != ctx || given == "":
		return ctx, false
	case given == "0":
		return context.WithValue(extracted, decisionKey{}, &state{decision: denied}), false
	default:
		return context.WithValue(extracted, decisionKey{}, &state{decision: accepted}), false
	}
}

// b3Headers are the headers of one of the two forms, as OpenTelemetry's propagator reads them.
type b3Headers struct{ b3, traceID, spanID, sampled, flags string }

// completeSingle parses the single header {trace id}-{span id}[-{decision}[-{parent id}]], or only a decision. If there is no decision it
// adds one that OpenTelemetry's propagator accepts. It drops any other form.
func completeSingle(text string) (h b3Headers, given string) {
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

// completeMulti does the same for the separate headers. Old senders write true and false.
func completeMulti(h b3Headers) (_ b3Headers, given string) {
	if h == (b3Headers{}) {
		return h, ""
	}
	h.traceID, h.spanID = strings.ToLower(h.traceID), strings.ToLower(h.spanID)
	switch sampled := strings.ToLower(h.sampled); {
	case h.flags == "1":
		given = "d"
	case sampled == "1" || sampled == "true":
		given = "1"
	case sampled == "0" || sampled == "false":
		given = "0"
	}
	if given == "" || given == "d" {
		h.sampled = "0" // the flags take precedence over it
	}
	return h, given
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
