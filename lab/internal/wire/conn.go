package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

const readBuffer = 4 << 10

// past is a deadline that makes reads and writes return immediately.
var past = time.Unix(1, 0)

// ErrTooLong reports a body that is longer than its request announced. Nothing of the excess is written.
var ErrTooLong = errors.New("the body is longer than announced")

// Conn is a connection to an HTTP/1.1 server. It carries one request at a time and starts no goroutine. One goroutine may write a request's
// body while another reads the response; any goroutine may call Interrupt.
type Conn struct {
	conn     net.Conn
	probe    *probe
	r        *bufio.Reader
	owed     atomic.Int64 // of the request: bytes of the body not yet written, or Chunked before the last chunk, or unsent
	answered bool         // the last response was read whole and keeps the connection open
	spent    atomic.Bool  // interrupted or taken over
	timed    bool         // has a deadline that the next request must not inherit
}

// unsent is the value of owed for a request whose head has not been written.
const unsent = -2

// New returns a Conn for an open connection that has carried nothing yet.
func New(c net.Conn) *Conn {
	return &Conn{conn: c, probe: newProbe(c), r: bufio.NewReaderSize(c, readBuffer), answered: true}
}

// Reusable reports whether the connection can carry another request: the last request was written whole, its response was read whole and
// did not announce a close, no bytes followed it, and the connection was neither interrupted nor taken over.
func (c *Conn) Reusable() bool {
	return c.Written() && c.answered && !c.spent.Load() && c.r.Buffered() == 0
}

// Quiet reports whether an idle connection is still usable: it is open, and the server has sent nothing unexpected. It returns true where
// the platform cannot check without waiting.
func (c *Conn) Quiet() bool { return c.r.Buffered() == 0 && c.probe.isQuiet() }

// Buffered returns how many bytes can be read without waiting.
func (c *Conn) Buffered() int { return c.r.Buffered() }

// Expire sets the deadline for reads or, with a zero time, clears it.
func (c *Conn) Expire(at time.Time) {
	if at.IsZero() && !c.timed {
		return
	}
	c.timed = !at.IsZero()
	c.conn.SetReadDeadline(at)
}

// Interrupt makes reads and writes return immediately. The connection is not Reusable afterwards.
func (c *Conn) Interrupt() {
	c.spent.Store(true)
	c.conn.SetDeadline(past)
}

// Takeover returns the connection for another protocol, without deadlines, and a reader that begins with the bytes already buffered. The
// Conn is not Reusable afterwards.
func (c *Conn) Takeover() (io.Reader, net.Conn) {
	c.spent.Store(true)
	c.conn.SetDeadline(time.Time{})
	return c.r, c.conn
}

// Close closes the connection.
func (c *Conn) Close() error { return c.conn.Close() }
