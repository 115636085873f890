package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/relay"
)

// exchange is one request and its answer, as the middleware sees them. It is the ResponseWriter of all handlers, so that one
// allocation serves span, metrics and log.
type exchange struct {
	http.ResponseWriter
	service *Service
	began   time.Time
	code    int   // 0 until the header is written
	written int64 // bytes of the body
	body    countedBody
	faults  string // kinds of injected faults, in order

	ctx     context.Context
	span    trace.Span
	traceID string
	spanID  string
	id      string // the request's
}

type exchangeKey struct{}

// exchangeFrom is the exchange of a handler's context, nil outside of one.
func exchangeFrom(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// observe is the middleware that sees everything: it continues or begins the trace, forwards and echoes headers, counts, and writes the access log.
func (s *Service) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{ResponseWriter: w, service: s, began: time.Now()}
		s.metrics.inFlight.Inc()
		inner := x.begin(r)
		defer x.finish(inner)
		next.ServeHTTP(x, inner)
	})
}

// begin starts the span, sets the headers that every answer has, and returns the request for the handlers within.
func (x *exchange) begin(r *http.Request) *http.Request {
	s := x.service
	ctx := s.Telemetry.Propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, x.span = s.Telemetry.Tracer.Start(ctx, r.Method, serverKind...)
	span := x.span.SpanContext()
	x.traceID, x.spanID = span.TraceID().String(), span.SpanID().String()

	forwarded := relay.Capture(r.Header)
	x.id = forwarded.RequestID()
	ctx = relay.ContextWith(ctx, forwarded)
	x.ctx = context.WithValue(ctx, exchangeKey{}, x)

	h := x.ResponseWriter.Header()
	forwarded.CopyTo(h)
	h["X-B3-Traceid"] = []string{x.traceID}
	h["X-Served-By"] = s.servedBy
	if s.state.draining.Load() {
		h["Connection"] = closeConnection
	}
	inner := r.WithContext(x.ctx)
	if r.Body != nil && r.Body != http.NoBody {
		x.body.ReadCloser = r.Body
		inner.Body = &x.body
	}
	return inner
}

var (
	serverKind      = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	closeConnection = []string{"close"}
)

// finish ends the span, counts and logs, and turns a panic into a 500: a request never ends the process.
func (x *exchange) finish(r *http.Request) {
	panicked := recover()
	if panicked != nil && panicked != http.ErrAbortHandler { //nolint:errorlint // the value itself is what net/http looks for
		x.panicked(panicked)
	}
	code := x.status(r, panicked)
	took := time.Since(x.began)
	route := routeOf(r)
	x.endSpan(r, route, code)
	sampled := ""
	if x.span.SpanContext().IsSampled() {
		sampled = x.traceID
	}
	x.service.metrics.observe(route, r.Method, code, took, sampled)
	x.service.metrics.inFlight.Dec()
	x.service.access.log(x, r, route, code, took)
	if panicked != nil && (panicked == http.ErrAbortHandler || x.written > 0) { //nolint:errorlint // as above
		panic(http.ErrAbortHandler) // net/http closes the connection, so that half an answer is not taken for a whole one
	}
}

// Codes that stand in metrics and logs for answers which were never sent.
const (
	codeDropped = 0   // the connection was closed on purpose or in mid-answer before a header
	codeGone    = 499 // the client left first; nginx's number
)

// status is the code that the client saw, or what stands for none.
func (x *exchange) status(r *http.Request, panicked any) int {
	switch {
	case x.code != 0:
		return x.code
	case r.Context().Err() != nil:
		return codeGone
	case panicked != nil:
		return codeDropped
	default:
		return http.StatusOK // what net/http sends for a handler that wrote nothing
	}
}

// panicked logs a handler's panic and answers 500 if nothing was sent yet.
func (x *exchange) panicked(value any) {
	x.service.Log(x.ctx).Error("a handler panicked", zap.String("panic", fmt.Sprint(value)), zap.String("stack", string(debug.Stack())))
	if x.code == 0 {
		answer.Text(x, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
		x.written = 0 // the answer is whole
	}
}

// routeOf is the pattern that the router matched, or unmatched: never what the client sent.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return unmatched
	}
	return r.Pattern
}

const unmatched = "unmatched"

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(code int) {
	if x.code == 0 && code >= 200 {
		x.code = code
		x.addTiming()
	}
	x.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(p []byte) (int, error) {
	if x.code == 0 {
		x.WriteHeader(http.StatusOK)
	}
	n, err := x.ResponseWriter.Write(p)
	x.written += int64(n)
	return n, err
}

// WriteString implements io.StringWriter.
func (x *exchange) WriteString(text string) (int, error) {
	if x.code == 0 {
		x.WriteHeader(http.StatusOK)
	}
	n, err := io.WriteString(x.ResponseWriter, text)
	x.written += int64(n)
	return n, err
}

// Flush implements http.Flusher.
func (x *exchange) Flush() { _ = x.FlushError() }

// FlushError is what http.ResponseController calls.
func (x *exchange) FlushError() error {
	if x.code == 0 {
		x.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Unwrap gives http.ResponseController the writer beneath.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// countedBody counts what a handler reads of a request's body.
type countedBody struct {
	io.ReadCloser
	read int64
}

// Read implements io.Reader.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	return n, err
}
