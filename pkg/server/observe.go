package server

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/hopline/hopline/pkg/answer"
	"github.com/hopline/hopline/pkg/telemetry"
)

// observe is the middleware that sees everything: it continues or begins the trace, forwards and echoes headers, counts, and writes the
// access log.
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
	x.Context = s.Telemetry.Propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	x.Context, x.span = s.Telemetry.Tracer.Start(x.Context, r.Method, serverKind[:]...)
	x.traceID, x.spanID = telemetry.IDs(x.span.SpanContext())
	x.forwarded.Capture(r.Header)
	x.route = s.routeContext()

	h := x.ResponseWriter.Header()
	x.forwarded.CopyTo(h)
	x.values[0] = x.traceID
	h["X-B3-Traceid"] = x.values[0:1:1]
	h["X-Served-By"] = s.servedBy
	if s.state.draining.Load() {
		h["Connection"] = []string{"close"}
	}
	inner := r.WithContext(x)
	if r.Body != nil && r.Body != http.NoBody {
		x.body.ReadCloser = r.Body
		inner.Body = &x.body
	}
	return inner
}

// serverKind is a constant list of options.
var serverKind = [...]trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}

// finish ends the span, counts and logs, and turns a panic into a 500: a request never ends the process.
func (x *exchange) finish(r *http.Request) {
	panicked := recover()
	aborted := panicked == http.ErrAbortHandler //nolint:errorlint // the value itself is what net/http looks for
	broken := aborted || panicked != nil && x.code != 0
	switch {
	case panicked != nil && !aborted:
		x.panicked(panicked)
	case panicked == nil && x.code == 0 && r.Context().Err() != nil:
		broken = !x.stopped()
	}
	x.record(r, x.status(r, aborted))
	x.service.metrics.inFlight.Dec()
	x.service.contexts.Put(x.route)
	if broken {
		panic(http.ErrAbortHandler) // net/http closes the connection, so that half an answer is not taken for a whole one
	}
}

// record tells span, metrics and log of the answer.
func (x *exchange) record(r *http.Request, code int) {
	s, now := x.service, time.Now()
	took, route := now.Sub(x.began), routeOf(r)
	series := s.metrics.seriesOf(route, r.Method, code)
	series.requests.Inc()
	exemplar := ""
	if x.span.SpanContext().IsSampled() {
		exemplar = x.traceID
	}
	series.duration.Observe(took, exemplar, now)

	scratch := s.scratch.Get().(*scratch)
	x.endSpan(r, series.spanName, route, code, scratch)
	s.access.log(x, r, route, code, took, now, scratch)
	s.scratch.Put(scratch)
}

// scratch is room for the lists that span and log are handed and do not keep. It is not cleared: the few short strings of a request that
// it holds on to cost less than clearing it for each.
type scratch struct {
	attributes [20]attribute.KeyValue
	fields     [12]zapcore.Field
}

// Codes that stand in metrics and logs for answers which were never sent.
const (
	codeDropped = 0   // the connection was closed on purpose or in mid-answer before a header
	codeGone    = 499 // the client left first; nginx's number
)

// status is the code that the client saw, or what stands for none.
func (x *exchange) status(r *http.Request, aborted bool) int {
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

// panicked logs a handler's panic and answers 500 if nothing was sent yet.
func (x *exchange) panicked(value any) {
	x.service.logPanic(x, "a handler panicked", value)
	if x.code == 0 {
		answer.Text(x, http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
	}
}

// logPanic is called by the deferred function that recovered value.
func (s *Service) logPanic(ctx context.Context, message string, value any) {
	s.Log(ctx).Error(message, zap.String("panic", fmt.Sprint(value)), zap.String("stack", string(debug.Stack())))
}

// stopped answers 503 when a handler was cancelled because SHUTDOWN_TIMEOUT is over. Otherwise it is the client that has gone, or that has
// closed its half of the connection and waits. Neither must get the empty 200 that net/http sends for a handler that wrote nothing.
func (x *exchange) stopped() bool {
	if x.service.state.ctx.Err() == nil {
		return false
	}
	answer.Text(x, http.StatusServiceUnavailable, x.service.Identity().Name()+" stops, and the request took longer than SHUTDOWN_TIMEOUT")
	return true
}

// routeOf is the pattern that the router matched, or unmatched: never what the client sent.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return unmatched
	}
	return r.Pattern
}

const unmatched = "unmatched"
