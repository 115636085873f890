package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// responseBody is an upstream's response body as its reader gets it. The span ends with it. Each Read times out after the same duration as
// waiting for the response header.
type responseBody struct {
	io.ReadCloser
	upstream string
	req      *http.Request
	span     trace.Span
	end      sync.Once
	cancel   context.CancelFunc // of the call
	timeout  time.Duration
	timer    *time.Timer // cancels the call; it runs while a Read waits
}

func newResponseBody(body io.ReadCloser, upstream string, req *http.Request, span trace.Span, cancel context.CancelFunc, timeout time.Duration) *responseBody {
	b := &responseBody{ReadCloser: body, upstream: upstream, req: req, span: span, cancel: cancel, timeout: timeout}
	b.timer = time.AfterFunc(timeout, cancel)
	b.timer.Stop()
	return b
}

// errStalled is the error of an upstream that stops sending in the middle of its response.
var errStalled = fmt.Errorf("the rest of its response did not arrive: %w", context.DeadlineExceeded)

// Read implements io.Reader. On a timeout its error is an *Error.
func (b *responseBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.timeout)
	n, err := b.ReadCloser.Read(p)
	inTime := b.timer.Stop()
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		b.end.Do(func() { b.span.End() })
	default:
		if !inTime {
			err = newError(b.upstream, b.req, errStalled)
		}
		b.span.SetAttributes(semconv.ErrorType(err))
		b.span.SetStatus(codes.Error, err.Error())
	}
	return n, err
}

// Close implements io.Closer.
func (b *responseBody) Close() error {
	b.end.Do(func() { b.span.End() })
	err := b.ReadCloser.Close()
	b.cancel()
	return err
}
