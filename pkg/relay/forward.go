package relay

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/hopline/hopline/pkg/fault"
)

// Headers that travel with a request through all hops and are echoed on each answer. The trace context is not among them: it is
// extracted and injected, as each hop's span has another id. Names are as net/http keeps them.
const (
	HeaderRequestID   = "X-Request-Id"
	HeaderSpanContext = "X-Ot-Span-Context"
	HeaderUser        = "X-Dev-User"

	// HeaderInjected says on an answer which service failed on purpose; every hop passes it up.
	HeaderInjected = "X-Fault-Injected"
	// HeaderTiming says on an answer who took part and for how long, outermost first.
	HeaderTiming = "Server-Timing"
)

// Forwarded holds the headers of one request that go on to every upstream.
type Forwarded struct {
	fields []field
	room   [4]field  // for the usual few, so that a request allocates no list
	id     [1]string // the request's id, when it was made here
}

type field struct {
	name   string
	values []string
}

// Capture picks the headers to forward out of h, and makes a request id when there is none. h is not changed, nor may it be
// afterwards.
func (f *Forwarded) Capture(h http.Header) {
	f.fields = f.room[:0]
	if id := h[HeaderRequestID]; len(id) > 0 && id[0] != "" {
		f.add(HeaderRequestID, id)
	} else {
		f.id[0] = newID()
		f.add(HeaderRequestID, f.id[:])
	}
	for _, name := range [...]string{HeaderSpanContext, HeaderUser, fault.HeaderFail} {
		if values := h[name]; len(values) > 0 {
			f.add(name, values)
		}
	}
	for name, values := range h {
		if strings.HasPrefix(name, fault.HeaderPrefix) && name != HeaderInjected {
			f.add(name, values)
		}
	}
}

func (f *Forwarded) add(name string, values []string) {
	f.fields = append(f.fields, field{name, values[:len(values):len(values)]})
}

// RequestID is the request's id, from the caller or made here.
func (f *Forwarded) RequestID() string { return f.fields[0].values[0] }

// CopyTo puts the headers into an upstream's request or this service's answer.
func (f *Forwarded) CopyTo(h http.Header) {
	for _, field := range f.fields {
		h[field.name] = field.values
	}
}

// ForwardedKey finds the *Forwarded of a request in its context.
type ForwardedKey struct{}

// FromContext is the Forwarded of the request that ctx belongs to, nil without.
func FromContext(ctx context.Context) *Forwarded {
	f, _ := ctx.Value(ForwardedKey{}).(*Forwarded)
	return f
}

// newID is a random UUID (RFC 9562, version 4). It names a request and guards nothing, so it needs no secret randomness.
func newID() string {
	const digits = "0123456789abcdef"
	high, low := rand.Uint64(), rand.Uint64()
	high = high&^0xf000 | 0x4000
	low = low&^(3<<62) | 2<<62
	var text [36]byte
	at := 0
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			text[at] = '-'
			at++
		}
		word := high
		if i >= 16 {
			word = low
		}
		text[at] = digits[word>>(60-4*(i%16))&0xf]
		at++
	}
	return string(text[:])
}
