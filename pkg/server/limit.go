package server

import (
	"net/http"
	"time"

	"github.com/hopline/hopline/pkg/body"
)

// Limits on what a client can send, on the application's port and on the admin port. body.Longest is a further one.
const (
	MaxHeader         = 64 << 10        // bytes of request line and header together; a longer one gets 431
	BodyTimeout       = time.Minute     // for a client to send its body; twice the longest latency that a fault can add before it is read
	readHeaderTimeout = 5 * time.Second // for a client to send its header
)

// limit limits the bodies of requests.
func (s *Service) limit(next http.Handler) http.Handler { return body.Limit(s.bodyTimeout, next) }
