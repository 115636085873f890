package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/hopline/hopline/pkg/telemetry"
)

// Do sends one request in a client span, with the forwarded headers and the trace context of its context. It retries nothing. upstream is
// the name in metrics: it must be configured, not taken from a request. An error is an *Error.
//
// The span lasts until the response body is closed or read to its end, as in otelhttp.
func (c *Client) Do(req *http.Request, upstream string) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	ctx, span := c.tel.Tracer.Start(ctx, req.Method+" "+req.URL.Host, trace.WithSpanKind(trace.SpanKindClient))
	req = req.WithContext(context.WithValue(ctx, upstreamKey{}, upstream))
	if f := FromContext(ctx); f != nil {
		f.CopyTo(req.Header)
	}
	c.tel.Propagator.Inject(ctx, propagation.HeaderCarrier(req.Header))
	if span.IsRecording() {
		span.SetAttributes(requestAttributes(req)...)
	}

	began := time.Now()
	resp, err := promhttp.InstrumentRoundTripperInFlight(c.metrics.inFlight.WithLabelValues(upstream), c.counted).RoundTrip(req)
	if err != nil {
		cancel()
		err = newError(upstream, req, err)
		c.metrics.failed(ctx, upstream, req.Method, time.Since(began))
		span.SetAttributes(semconv.ErrorType(errors.Unwrap(err)))
		span.SetStatus(codes.Error, err.Error())
		span.End()
		return nil, err
	}
	if span.IsRecording() {
		span.SetAttributes(responseAttributes(resp)...)
		if resp.StatusCode >= 400 {
			span.SetStatus(codes.Error, "")
		}
	}
	resp.Body = newResponseBody(resp.Body, upstream, req, span, cancel, c.options.Timeout)
	return resp, nil
}

// requestAttributes returns the attributes that otelhttp sets on a client span.
func requestAttributes(req *http.Request) []attribute.KeyValue {
	host, port := telemetry.SplitHostPort(req.URL.Host)
	attributes := make([]attribute.KeyValue, 0, 10)
	attributes = append(attributes,
		semconv.HTTPRequestMethodKey.String(telemetry.Method(req.Method)),
		semconv.URLFull(withoutUser(req.URL)),
		semconv.ServerAddress(host),
		semconv.NetworkProtocolVersion("1.1"),
	)
	if port > 0 && port != 80 {
		attributes = append(attributes, semconv.ServerPort(port))
	}
	return attributes
}

func responseAttributes(resp *http.Response) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 3)
	attributes = append(attributes,
		semconv.HTTPResponseStatusCode(resp.StatusCode),
		semconv.NetworkProtocolVersion(strings.TrimPrefix(resp.Proto, "HTTP/")),
	)
	if resp.StatusCode >= 400 {
		attributes = append(attributes, semconv.ErrorTypeKey.String(fmt.Sprint(resp.StatusCode)))
	}
	return attributes
}

// withoutUser removes credentials from a URL, so that traces do not hold them.
func withoutUser(u *url.URL) string {
	if u.User == nil {
		return u.String()
	}
	clean := *u
	clean.User = nil
	return clean.String()
}

// Error is the error of a call that got no response, or not all of it in time.
type Error struct {
	Upstream string // as configured
	URL      string
	Timeout  bool
	err      error
}

func newError(upstream string, req *http.Request, err error) *Error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err // the message has the URL already
	}
	var network net.Error
	timeout := errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) && network.Timeout()
	return &Error{Upstream: upstream, URL: withoutUser(req.URL), Timeout: timeout, err: err}
}

// Error implements error: the URL and the reason.
func (e *Error) Error() string { return e.URL + ": " + e.err.Error() }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.err }

// Code returns the status for the caller: 504 after a timeout, else 502.
func (e *Error) Code() int {
	if e.Timeout {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}
