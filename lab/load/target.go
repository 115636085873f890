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

// errInterrupted is what requests end with that are in flight when the run is ended early.
var errInterrupted = errors.New("interrupted by the user")

// target sends the requests. It follows redirects on the same host alone.
type target struct {
	transport *http.Transport
	ctx       context.Context // ends requests in flight
	host      string          // as redirects name it
	inFlight  atomic.Int64
	sent      atomic.Int64
}

func newTarget(ctx context.Context, host string, keepAlive bool, connections int) *target {
	return &target{
		ctx:  ctx,
		host: host,
		transport: &http.Transport{
			// No proxy from the environment: the target is the one that was typed.
			DialContext:            (&net.Dialer{}).DialContext, // the client's timeout bounds it
			DisableKeepAlives:      !keepAlive,
			DisableCompression:     true,
			MaxIdleConns:           connections,
			MaxIdleConnsPerHost:    connections,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 1 << 20,
			TLSHandshakeTimeout:    0, // the client's timeout bounds it
		},
	}
}

// client is the HTTP client of a run.
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

// RoundTrip sends one request, once: net/http would send it again by itself when a connection that was kept open dies, and the
// failure would go unseen. A request with a body of which there is no second copy is not sent again.
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
	t.sent.Add(1)
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

// close closes connections that were kept open.
func (t *target) close() { t.transport.CloseIdleConnections() }

// nothing is an empty body that net/http does not know to be empty.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
func (nothing) Close() error             { return nil }

// body is the body of an answer; the request is in flight until it is closed.
type body struct {
	io.ReadCloser
	target *target
	done   func()
	closed atomic.Bool
}

// Read tells an interrupted answer from a broken one.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.target.ctx.Err() != nil {
		err = errInterrupted
	}
	return n, err
}

// Close closes the body, and the request is no longer in flight.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	if b.closed.CompareAndSwap(false, true) {
		b.done()
	}
	return err
}
