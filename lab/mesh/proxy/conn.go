package proxy

import (
	"bufio"
	"net"
	"time"
)

const (
	readBuffer         = 4 << 10
	defaultIdleTimeout = time.Hour // Envoy's
)

// past is a deadline that makes reads and writes return at once.
var past = time.Unix(1, 0)

// conn is an HTTP/1.1 connection to a host. It belongs to one request at a time, and no goroutine stands behind it.
type conn struct {
	net.Conn
	r         *bufio.Reader
	host      *host
	uses      int
	idleSince time.Time
	timed     bool // has a deadline that the next request must not inherit
}

func newConn(h *host, c net.Conn) *conn {
	return &conn{Conn: c, r: bufio.NewReaderSize(c, readBuffer), host: h}
}

// expired is whether an idle connection is of no more use: it idled too long, or the other side has closed it or said something
// that nobody asked for. Only the caller of acquire looks, so that an idle connection costs nothing.
func (c *conn) expired() bool {
	limit := c.host.cluster.Pool.IdleTimeout
	if limit <= 0 {
		limit = defaultIdleTimeout
	}
	return time.Since(c.idleSince) > limit || c.r.Buffered() > 0 || !quiet(c.Conn)
}

// expire sets or, with a zero time, clears the read deadline.
func (c *conn) expire(at time.Time) {
	if at.IsZero() && !c.timed {
		return
	}
	c.timed = !at.IsZero()
	c.SetReadDeadline(at)
}
