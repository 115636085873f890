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

// record holds the middleware's data on one request and its response. It is the ResponseWriter of all handlers, and is in the context of
// their request.
type record struct {
	http.ResponseWriter
	service   *Service
	began     time.Time
	span      trace.Span
	forwarded relay.Forwarded
	body      countedBody // of the request

	code    int    // 0 until the header is written
	written int64  // bytes of the body
	faults  string // kinds of injected faults, in order
	pattern string // the route's pattern, if a fault ended the request before routing
	outcome int    // code, or one of the codes for a response that was never sent
	aborted bool   // the connection will be closed
}

type recordKey struct{}

// recordFrom returns the record of a handler's context, or nil.
func recordFrom(ctx context.Context) *record {
	x, _ := ctx.Value(recordKey{}).(*record)
	return x
}

// route returns the pattern that the router matched, or unmatched: never what the client sent. ctx is the handler's context, after the
// handler has returned.
func (x *record) route(ctx context.Context) string {
	if x.pattern != "" {
		return x.pattern
	}
	if pattern := chi.RouteContext(ctx).RoutePattern(); pattern != "" {
		return pattern
	}
	return unmatched
}

const unmatched = "unmatched"

// WriteHeader implements http.ResponseWriter.
func (x *record) WriteHeader(code int) {
	if x.code == 0 && code >= 200 {
		x.code = code
		x.addTiming()
	}
	x.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (x *record) Write(p []byte) (int, error) {
	if x.code == 0 {
		x.WriteHeader(http.StatusOK)
	}
	n, err := x.ResponseWriter.Write(p)
	x.written += int64(n)
	return n, err
}

// WriteString implements io.StringWriter.
func (x *record) WriteString(text string) (int, error) {
	if x.code == 0 {
		x.WriteHeader(http.StatusOK)
	}
	n, err := io.WriteString(x.ResponseWriter, text)
	x.written += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom: io.Copy then uses net/http's pooled buffer instead of a new one of 32 KiB for each relayed response.
func (x *record) ReadFrom(source io.Reader) (int64, error) {
	if x.code == 0 {
		x.WriteHeader(http.StatusOK)
	}
	n, err := io.Copy(x.ResponseWriter, source)
	x.written += n
	return n, err
}

// Flush implements http.Flusher.
func (x *record) Flush() { _ = x.FlushError() }

// FlushError is called by http.ResponseController.
func (x *record) FlushError() error {
	if x.code == 0 {
		x.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Unwrap returns the writer beneath, for http.ResponseController.
func (x *record) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// countedBody counts the bytes of a request's body that a handler reads.
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
