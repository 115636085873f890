package relay

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/hopline/hopline/pkg/header"
)

// Forwarded holds the headers of one request that are sent to every upstream and echoed on the response. The trace context is not among
// them: it is extracted and injected, because each hop's span has its own id.
type Forwarded struct{ fields []field }

type field struct {
	name   string
	values []string
}

// Capture takes the headers to forward from h, and makes a request id if there is none. It does not change h, and the caller must not
// change h afterwards.
func (f *Forwarded) Capture(h http.Header) {
	f.fields = make([]field, 0, 4)
	if id := h[header.RequestID]; len(id) > 0 && id[0] != "" {
		f.add(header.RequestID, id)
	} else {
		f.add(header.RequestID, []string{uuid.NewString()})
	}
	for _, name := range [...]string{header.SpanContext, header.User, header.Fail} {
		if values := h[name]; len(values) > 0 {
			f.add(name, values)
		}
	}
	for name, values := range h {
		if strings.HasPrefix(name, header.FaultPrefix) && name != header.Injected {
			f.add(name, values)
		}
	}
}

func (f *Forwarded) add(name string, values []string) {
	f.fields = append(f.fields, field{name, values[:len(values):len(values)]})
}

// RequestID returns the request's id, from the caller or made here.
func (f *Forwarded) RequestID() string { return f.fields[0].values[0] }

// CopyTo sets the headers on a request to an upstream or on this service's response.
func (f *Forwarded) CopyTo(h http.Header) {
	for _, field := range f.fields {
		h[field.name] = field.values
	}
}

type forwardedKey struct{}

// NewContext returns ctx with the headers that calls made in it forward.
func NewContext(ctx context.Context, f *Forwarded) context.Context {
	return context.WithValue(ctx, forwardedKey{}, f)
}

// FromContext returns the Forwarded of the request that ctx belongs to, or nil.
func FromContext(ctx context.Context) *Forwarded {
	f, _ := ctx.Value(forwardedKey{}).(*Forwarded)
	return f
}
