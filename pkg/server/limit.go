package server

import (
	"net/http"
	"time"

	"github.com/hopline/hopline/pkg/answer"
)

// Bounds of what a client can send.
const (
	MaxBody           = 1 << 20         // bytes; more is answered with 413
	MaxHeader         = 64 << 10        // bytes of request line and header together; more is answered with 431
	readHeaderTimeout = 5 * time.Second // for a client to send its header
)

// limitBody answers 413 to a body that says it is too long, and ends the reading of one that does not say.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > MaxBody {
			w.Header().Set("Connection", "close") // the rest of the body is not read
			answer.Text(w, http.StatusRequestEntityTooLarge, "body is longer than 1 MiB")
			linger(w, r)
			return
		}
		if r.ContentLength != 0 {
			r.Body = http.MaxBytesReader(beneath(w), r.Body, MaxBody)
		}
		next.ServeHTTP(w, r)
	})
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
