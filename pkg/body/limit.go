// Package body bounds what a client sends as a request's body: its length, and the time it takes.
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

// Longest is how many bytes a body may have; more is answered with 413.
const Longest = 1 << 20

// TimeoutError is what reading a body returns that has not come whole in time.
type TimeoutError struct{ After time.Duration }

// Error implements error.
func (e *TimeoutError) Error() string { return fmt.Sprintf("the body did not come within %v", e.After) }

// Limit answers 413 to a body that says it is longer than Longest, and ends the reading of one that does not say. Reading any body fails
// with a TimeoutError when it has not come whole within a time that begins with the header; what a handler leaves unread may not hold
// the connection for longer either. The time is for the body only: a handler may take longer once the body is there.
func Limit(within time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.ContentLength > Longest:
			w.Header().Set("Connection", "close") // the rest of the body is not read
			answer.Text(w, http.StatusRequestEntityTooLarge, "body is longer than 1 MiB")
			linger(w, r)
			return
		case r.ContentLength != 0:
			if http.NewResponseController(w).SetReadDeadline(time.Now().Add(within)) == nil { // a writer without a connection has nothing to wait for
				body := &timed{ReadCloser: r.Body, within: within}
				r = r.WithContext(context.WithValue(r.Context(), timedKey{}, body))
				r.Body = body
			}
			r.Body = http.MaxBytesReader(beneath(w), r.Body, Longest)
		}
		next.ServeHTTP(w, r)
	})
}

// timed is a body whose connection has a read deadline. net/http takes the deadline away when the body has been read to its end, and sets
// another for the next request.
type timed struct {
	io.ReadCloser
	within time.Duration
	late   atomic.Bool
}

type timedKey struct{}

// Late is the TimeoutError of the request that ctx belongs to, nil when its body has not been too slow. net/http cancels the context of
// a request that it cannot read on, so that a caller of others may see only that.
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

// linger lets a client that is still sending get the answer: a connection that is closed with data unread is reset, and a reset
// takes with it what the client has not yet read. net/http waits half a second before it closes once a MaxBytesReader has met its
// bound, so one of bound zero is made to meet it. A client that waits for "100 Continue" has sent nothing that is unread.
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

// beneath is net/http's own writer, by which a MaxBytesReader tells the server that its bound was met.
func beneath(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapper.Unwrap()
	}
}
