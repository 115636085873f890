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
			return
		}
		if r.ContentLength != 0 {
			r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		}
		next.ServeHTTP(w, r)
	})
}
