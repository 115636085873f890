package server

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel/trace"

	"github.com/hopline/hopline/pkg/relay"
)

// exchange is one request and its answer, as the middleware sees them. It is the ResponseWriter of all handlers and the context of their
// request at once, so that span, metrics, log and forwarded headers share one allocation. It is not reused: a handler's goroutine may
// hold its context for longer than the request lasts.
type exchange struct {
	http.ResponseWriter
	context.Context
	service   *Service
	route     *chi.Context
	began     time.Time
	span      trace.Span
	traceID   string
	spanID    string
	forwarded relay.Forwarded

	code    int   // 0 until the header is written
	written int64 // bytes of the body
	body    countedBody
	faults  string    // kinds of injected faults, in order
	values  [2]string // of headers that every answer has
}

type exchangeKey struct{}

// Value implements context.Context.
func (x *exchange) Value(key any) any {
	switch key {
	case exchangeKey{}:
		return x
	case relay.ForwardedKey{}:
		return &x.forwarded
	case chi.RouteCtxKey:
		return x.route
	}
	return x.Context.Value(key)
}

// exchangeFrom is the exchange of a handler's context, nil outside of one.
func exchangeFrom(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

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

// ReadFrom implements io.ReaderFrom: io.Copy then takes net/http's pooled buffer instead of one of 32 KiB for each answer that is relayed.
func (x *exchange) ReadFrom(source io.Reader) (int64, error) {
	if x.code == 0 {
		x.WriteHeader(http.StatusOK)
	}
	n, err := io.Copy(x.ResponseWriter, source)
	x.written += n
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
