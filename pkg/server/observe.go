package server

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/header"
	"github.com/hopline/hopline/pkg/relay"
)

// observe is the outermost middleware: it continues or starts the trace, forwards and echoes headers, and writes the access log.
func (s *Service) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &record{ResponseWriter: w, service: s, began: time.Now()}
		inner := x.begin(r)
		next.ServeHTTP(x, inner)
		x.end(inner)
		if x.aborted {
			panic(http.ErrAbortHandler) // net/http closes the connection, so that the client does not take a part of a response for the whole
		}
	})
}

// begin starts the span, sets the headers that every response has, and returns the request for the handlers within.
func (x *record) begin(r *http.Request) *http.Request {
	s := x.service
	ctx := s.Telemetry.Propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, x.span = s.Telemetry.Tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
	x.forwarded.Capture(r.Header)

	h := x.ResponseWriter.Header()
	x.forwarded.CopyTo(h)
	h.Set(header.B3TraceID, x.span.SpanContext().TraceID().String())
	h.Set(header.ServedBy, s.servedBy)
	if s.state.draining.Load() {
		h.Set("Connection", "close")
	}
	inner := r.WithContext(relay.NewContext(context.WithValue(ctx, recordKey{}, x), &x.forwarded))
	if r.Body != nil && r.Body != http.NoBody {
		x.body.ReadCloser = r.Body
		inner.Body = &x.body
	}
	return inner
}

// end completes the span and writes the access log.
func (x *record) end(r *http.Request) {
	route := x.route(r.Context())
	x.endSpan(r, route)
	x.log(r, route, time.Since(x.began))
}

// settle determines the outcome of a request when its handler has returned, and turns a panic into a 500: a request never ends the process.
func (s *Service) settle(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := recordFrom(r.Context())
		defer func() { x.settle(r, recover()) }()
		next.ServeHTTP(w, r)
	})
}

func (x *record) settle(r *http.Request, panicked any) {
	aborted := panicked == http.ErrAbortHandler //nolint:errorlint // the value itself is what net/http looks for
	x.aborted = aborted || panicked != nil && x.code != 0
	switch {
	case panicked != nil && !aborted:
		x.panicked(r.Context(), panicked)
	case panicked == nil && x.code == 0 && r.Context().Err() != nil:
		x.aborted = !x.stopped()
	}
	x.outcome = x.status(r, aborted)
}

// Codes in metrics and logs for responses that were never sent.
const (
	codeDropped = 0   // the connection was closed on purpose, or aborted before a header
	codeGone    = 499 // the client disconnected first; nginx's number
)

// status returns the code that the client saw, or one of the codes above.
func (x *record) status(r *http.Request, aborted bool) int {
	switch {
	case x.code != 0:
		return x.code
	case r.Context().Err() != nil:
		return codeGone
	case aborted:
		return codeDropped
	default:
		return http.StatusOK // what net/http sends for a handler that wrote nothing
	}
}

// panicked logs a handler's panic and responds with 500 if nothing was sent yet.
func (x *record) panicked(ctx context.Context, value any) {
	x.service.logPanic(ctx, "a handler panicked", value)
	if x.code == 0 {
		answer.Text(x, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
	}
}

// logPanic logs a recovered panic. It runs within the deferred function that recovered value.
func (s *Service) logPanic(ctx context.Context, message string, value any) {
	s.Log(ctx).Error(message, zap.String("panic", fmt.Sprint(value)), zap.String("stack", string(debug.Stack())))
}

// stopped responds with 503 if a handler was cancelled because SHUTDOWN_TIMEOUT is over. Otherwise the client has disconnected, or has
// closed its half of the connection and waits. In neither case may it get the empty 200 that net/http sends for a handler that wrote
// nothing.
func (x *record) stopped() bool {
	if x.service.state.ctx.Err() == nil {
		return false
	}
	answer.Text(x, http.StatusServiceUnavailable, x.service.Identity().Name()+" stops, and the request took longer than SHUTDOWN_TIMEOUT")
	return true
}
