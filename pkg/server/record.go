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

// record is what the middleware knows of one request and its response. It is the ResponseWriter of all handlers, and is found in the
// context of their request.
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
	pattern string // of the route, when a fault ended the request before it was routed
	outcome int    // code, or what stands for none
	aborted bool   // the connection is to be closed
}

type recordKey struct{}

// recordFrom is the record of a handler's context, nil outside of one.
func recordFrom(ctx context.Context) *record {
	x, _ := ctx.Value(recordKey{}).(*record)
	return x
}

// route is the pattern that the router matched, or unmatched: never what the client sent. ctx is that of a handler, when it has returned.
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

// ReadFrom implements io.ReaderFrom: io.Copy then takes net/http's pooled buffer instead of one of 32 KiB for each answer that is relayed.
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

// FlushError is what http.ResponseController calls.
func (x *record) FlushError() error {
	if x.code == 0 {
		x.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Unwrap gives http.ResponseController the writer beneath.
func (x *record) Unwrap() http.ResponseWriter { return x.ResponseWriter }

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
