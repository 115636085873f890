package proxy

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
)

// traceContext holds the position of the proxy's span in a trace. Ids are text, as they are received and sent.
type traceContext struct {
	trace   string // 32 hex digits, or 16 where the caller's are
	span    string // of the proxy's span
	parent  string // of the caller's span; empty: this is the root
	sampled bool
	debug   bool
	single  bool // the caller also sent the header b3
	w3c     bool // the caller also, or only, sent traceparent
}

// Headers of B3 and W3C in canonical form.
const (
	hTrace   = "X-B3-Traceid"
	hSpan    = "X-B3-Spanid"
	hParent  = "X-B3-Parentspanid"
	hSampled = "X-B3-Sampled"
	hFlags   = "X-B3-Flags"
	hSingle  = "B3"
	hW3C     = "Traceparent"
)

// begin reads the caller's trace context, or starts a trace. Like Envoy's Zipkin tracer it creates a child of the caller's span and keeps
// the caller's sampling decision; without one it samples. It ignores a malformed context.
func (t *traceContext) begin(x *exchange) {
	h := x.r.Header
	*t = traceContext{sampled: true}
	t.single, t.w3c = len(h[hSingle]) > 0, len(h[hW3C]) > 0
	switch {
	case t.multi(h), t.single && t.oneHeader(h[hSingle][0]), t.w3c && t.traceparent(h[hW3C][0]):
	default:
		t.trace, t.parent = hex16(rand.Uint64())+hex16(rand.Uint64()), ""
	}
	t.span = hex16(rand.Uint64() | 1) // never zero
}

// multi reads the x-b3 headers.
func (t *traceContext) multi(h http.Header) bool {
	switch value(h, hSampled) {
	case "0", "false":
		t.sampled = false
	}
	if value(h, hFlags) == "1" {
		t.sampled, t.debug = true, true
	}
	return t.ids(value(h, hTrace), value(h, hSpan))
}

// oneHeader reads b3: {trace}-{span}-{sampled}-{parent}, or only the decision.
func (t *traceContext) oneHeader(b3 string) bool {
	parts := strings.Split(b3, "-")
	decision := ""
	switch {
	case len(parts) == 1:
		decision = parts[0]
	case len(parts) > 2:
		decision = parts[2]
	}
	switch decision {
	case "0":
		t.sampled = false
	case "d":
		t.sampled, t.debug = true, true
	}
	return len(parts) > 1 && t.ids(parts[0], parts[1])
}

// traceparent reads version-trace-parent-flags of the W3C recommendation.
func (t *traceContext) traceparent(v string) bool {
	parts := strings.Split(v, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || len(parts[1]) != 32 || len(parts[3]) != 2 || !t.ids(parts[1], parts[2]) {
		return false
	}
	flags, err := hex.DecodeString(parts[3])
	t.sampled = err == nil && flags[0]&1 == 1
	return true
}

// child returns the context of a new span below this one.
func (t *traceContext) child() traceContext {
	c := *t
	c.parent, c.span = t.span, hex16(rand.Uint64()|1) // never zero
	return c
}

// ids sets the ids if they are well formed.
func (t *traceContext) ids(trace, span string) bool {
	if len(trace) != 32 && len(trace) != 16 || len(span) != 16 || !isID(trace) || !isID(span) {
		return false
	}
	t.trace, t.parent = strings.ToLower(trace), strings.ToLower(span)
	return true
}

// isID reports whether a text is hex and not all zeros.
func isID(s string) bool {
	zero := true
	for _, c := range []byte(s) {
		switch {
		case c == '0':
			continue
		case c >= '1' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			zero = false
		default:
			return false
		}
	}
	return !zero
}

// inject makes the proxy's span the parent of the upstream's span. Besides the x-b3 headers, which Envoy writes, it updates the other forms
// that the caller used: stale ids in them would make the upstream's span an orphan.
func (t *traceContext) inject(h http.Header) {
	decision := "0"
	if t.sampled {
		decision = "1"
	}
	values := [...]string{t.trace, t.span, decision, t.parent}
	v := make([]string, len(values))
	copy(v, values[:])
	h[hTrace], h[hSpan], h[hSampled] = v[0:1:1], v[1:2:2], v[2:3:3]
	if t.parent != "" {
		h[hParent] = v[3:4:4]
	} else {
		delete(h, hParent)
	}
	if t.single {
		h[hSingle] = []string{t.trace + "-" + t.span + "-" + decision}
	}
	if t.w3c {
		h[hW3C] = []string{"00-" + t.traceID() + "-" + t.span + "-0" + decision}
	}
}

// traceID returns the trace's id with 32 digits.
func (t *traceContext) traceID() string {
	if len(t.trace) == 16 {
		return "0000000000000000" + t.trace
	}
	return t.trace
}

// hex16 returns a number as 16 hex digits.
func hex16(n uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	var s [16]byte
	hex.Encode(s[:], b[:])
	return string(s[:])
}

// value returns a header's first value, by its canonical name.
func value(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
