package load

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// errInterrupted is the error of requests that are in flight when the run is ended early.
var errInterrupted = errors.New("interrupted by the user")

// target sends the requests. It follows redirects only on the same host.
type target struct {
	transport *http.Transport
	ctx       context.Context // ends the requests in flight
	host      string          // as in redirects
	inFlight  atomic.Int64
	sent      atomic.Int64 // requests, without those that follow a redirect
	sending   func()       // called for each of them; nil: nothing
}

func newTarget(ctx context.Context, host string, keepAlive bool, connections int) *target {
	return &target{
		ctx:  ctx,
		host: host,
		transport: &http.Transport{
			// No proxy from the environment: requests are sent to the target that the user has typed.
			DialContext:            (&net.Dialer{}).DialContext, // bounded by the client's timeout
			DisableKeepAlives:      !keepAlive,
			DisableCompression:     true,
			MaxIdleConns:           connections,
			MaxIdleConnsPerHost:    connections,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 1 << 20,
			TLSHandshakeTimeout:    0, // bounded by the client's timeout
		},
	}
}

// client returns the HTTP client of a run.
func (t *target) client(timeout time.Duration) *http.Client {
	return &http.Client{
		Transport: t,
		Timeout:   timeout,
		CheckRedirect: func(r *http.Request, before []*http.Request) error {
			if r.URL.Host != t.host || r.URL.Scheme != before[0].URL.Scheme || len(before) >= 10 {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// RoundTrip sends one request, once. net/http would resend it when a kept-alive connection fails, and the failure would not be reported. It
// does not resend a request whose body cannot be read a second time.
func (t *target) RoundTrip(r *http.Request) (*http.Response, error) {
	t.inFlight.Add(1)
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(t.ctx, func() { cancel(errInterrupted) })
	done := func() {
		if stop() {
			cancel(nil)
		}
		t.inFlight.Add(-1)
	}
	once := r.WithContext(ctx)
	once.Header.Del("X-Vegeta-Seq")
	once.GetBody = nil
	if once.Body == nil || once.Body == http.NoBody {
		once.Body = nothing{}
	}
	if r.Response == nil { // otherwise it follows the redirect of this response
		t.sent.Add(1)
		if t.sending != nil {
			t.sending()
		}
	}
	response, err := t.transport.RoundTrip(once)
	if err != nil {
		if t.ctx.Err() != nil {
			err = errInterrupted
		}
		done()
		return nil, err
	}
	response.Body = &body{ReadCloser: response.Body, target: t, done: done}
	return response, nil
}

// close closes idle connections.
func (t *target) close() { t.transport.CloseIdleConnections() }

// nothing is an empty body that net/http does not recognize as empty.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
func (nothing) Close() error             { return nil }

// body is the body of a response; the request is in flight until it is closed.
type body struct {
	io.ReadCloser
	target *target
	done   func()
	closed atomic.Bool
}

// Read distinguishes an interrupted response from a broken one.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.target.ctx.Err() != nil {
		err = errInterrupted
	}
	return n, err
}

// Close closes the body and ends the request's time in flight.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	if b.closed.CompareAndSwap(false, true) {
		b.done()
	}
	return err
}
