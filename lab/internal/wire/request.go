package wire

import (
	"strconv"
	"strings"
)

// Body is the framing of a request's body: its length in bytes, or Chunked, or None.
type Body int64

const (
	// Chunked is a body of unknown length.
	Chunked Body = -1
	// None means no body and no field that frames it. A Body of 0 means an empty body whose length is announced.
	None Body = -2
)

// AppendRequestLine appends the request line and Host. The target and the host must not contain blanks or control characters.
func AppendRequestLine(b []byte, method, target, host string) []byte {
	b = append(b, method...)
	b = append(b, ' ')
	b = append(b, target...)
	return AppendField(append(b, " HTTP/1.1\r\n"...), "Host", host)
}

// AppendField appends a field to a request's head. It omits the fields that frame the body: WriteHead writes them.
func AppendField(b []byte, name, value string) []byte {
	if (len(name) == len("Content-Length") || len(name) == len("Transfer-Encoding")) &&
		(strings.EqualFold(name, "Content-Length") || strings.EqualFold(name, "Transfer-Encoding")) {
		return b
	}
	return appendField(b, name, value)
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// appendFrame ends a head with the field that frames the body and the blank line.
func appendFrame(b []byte, body Body) []byte {
	switch {
	case body == Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case body >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(body), 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// WriteHead begins a request: it completes the head with the field that frames the body and the blank line, and writes it. WriteBody and
// EndBody write the body. It returns the head's buffer, grown, for reuse.
func (c *Conn) WriteHead(head []byte, body Body) ([]byte, error) {
	c.owed.Store(unsent)
	c.answered = false
	head = appendFrame(head, body)
	if err := c.write(head); err != nil {
		return head, err
	}
	if body == None {
		body = 0
	}
	c.owed.Store(int64(body))
	return head, nil
}

// Send writes a whole request with its body. With None the body must be empty.
func (c *Conn) Send(head []byte, frame Body, body []byte) error {
	c.owed.Store(unsent)
	c.answered = false
	if frame != Body(len(body)) && (frame != None || len(body) > 0) {
		return ErrTooLong
	}
	if err := c.write(append(appendFrame(head, frame), body...)); err != nil {
		return err
	}
	c.owed.Store(0)
	return nil
}

// Window holds a piece of a body, with room around it for the frame of a chunk.
type Window struct{ b [frame + windowSize + 2]byte }

const (
	windowSize = 32 << 10
	frame      = 10 // a chunk's size and the end of its line
)

// Bytes returns the buffer for the piece, which starts at its beginning.
func (w *Window) Bytes() []byte { return w.b[frame : frame+windowSize] }

// WriteBody writes the first n bytes of a window as the next piece of the request's body.
func (c *Conn) WriteBody(w *Window, n int) error {
	if n == 0 {
		return nil
	}
	owed := c.owed.Load()
	if Body(owed) == Chunked {
		size := strconv.AppendInt(make([]byte, 0, frame), int64(n), 16)
		size = append(size, "\r\n"...)
		begin, end := frame-len(size), frame+n
		copy(w.b[begin:], size)
		copy(w.b[end:], "\r\n")
		return c.write(w.b[begin : end+2])
	}
	if owed < int64(n) {
		return ErrTooLong
	}
	if err := c.write(w.Bytes()[:n]); err != nil {
		return err
	}
	c.owed.Store(owed - int64(n))
	return nil
}

// EndBody ends the request's body. A body shorter than announced remains so, and the connection is then not Reusable.
func (c *Conn) EndBody() error {
	if Body(c.owed.Load()) != Chunked {
		return nil
	}
	if err := c.write([]byte("0\r\n\r\n")); err != nil {
		return err
	}
	c.owed.Store(0)
	return nil
}

// Written reports whether the last request was written to its end.
func (c *Conn) Written() bool { return c.owed.Load() == 0 }

// write writes all of p. After an error the connection is not Reusable.
func (c *Conn) write(p []byte) error {
	_, err := c.conn.Write(p)
	if err != nil {
		c.spent.Store(true)
	}
	return err
}
