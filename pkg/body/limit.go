// Package body limits a request's body: its length, and the time until it is complete.
package body

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/hopline/hopline/pkg/answer"
)

// Longest is the maximum length of a body in bytes; a longer one gets 413.
const Longest = 1 << 20

// TimeoutError is the error of reading a body that is not complete in time.
type TimeoutError struct{ After time.Duration }

// Error implements error.
func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the body did not arrive within %v", e.After)
}

// Limit returns 413 for a body whose declared length is over Longest, and ends the read of one without a declared length there. Reading a
// body fails with a TimeoutError when the body is not complete within a time that starts with the header. A body that the handler does not
// read cannot hold the connection for longer either. The time is for the body only: a handler may take longer once the body is complete.
func Limit(within time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.ContentLength > Longest:
			w.Header().Set("Connection", "close") // the rest of the body is not read
			answer.Text(w, http.StatusRequestEntityTooLarge, "body is longer than 1 MiB")
			linger(w, r)
			return
		case r.ContentLength != 0:
			if http.NewResponseController(w).SetReadDeadline(time.Now().Add(within)) == nil { // a writer without a connection has no read deadline
				body := &timed{ReadCloser: r.Body, within: within}
				r = r.WithContext(context.WithValue(r.Context(), timedKey{}, body))
				r.Body = body
			}
			r.Body = http.MaxBytesReader(beneath(w), r.Body, Longest)
		}
		next.ServeHTTP(w, r)
	})
}

// timed is a body whose connection has a read deadline. net/http clears the deadline when the body has been read to its end, and sets
// another one for the next request.
type timed struct {
	io.ReadCloser
	within time.Duration
	late   atomic.Bool
}

type timedKey struct{}

// Late returns the TimeoutError of the request that ctx belongs to, nil if its body was in time. net/http cancels the context of a request
// that it can no longer read, so a handler's own call may fail with only that cancellation.
func Late(ctx context.Context) *TimeoutError {
	t, _ := ctx.Value(timedKey{}).(*timed)
	if t == nil || !t.late.Load() {
		return nil
	}
	return &TimeoutError{t.within}
}

// Read implements io.Reader.
func (t *timed) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.late.Store(true)
		err = &TimeoutError{t.within}
	}
	return n, err
}

// linger lets a client that is still sending receive the response: closing a connection with unread data resets it, and a reset discards
// what the client has not yet read. net/http waits half a second before it closes once a MaxBytesReader has reached its limit, so linger
// reads one whose limit is zero. A client that waits for "100 Continue" has sent no unread data.
func linger(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Expect") != "" {
		return
	}
	c := http.NewResponseController(w)
	if c.Flush() != nil || c.SetReadDeadline(time.Now().Add(time.Second)) != nil {
		return
	}
	_, _ = http.MaxBytesReader(beneath(w), r.Body, 0).Read(make([]byte, 1))
}

// beneath returns net/http's own writer, through which a MaxBytesReader reports to the server that it reached its limit.
func beneath(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapper.Unwrap()
	}
}
