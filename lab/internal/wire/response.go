package wire

import (
	"bufio"
	"errors"
	"io"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Limits on what a server may send as a head, which are Envoy's defaults.
const (
	MaxHeadBytes = 60 << 10
	MaxFields    = 100
)

// ErrMalformed is returned for a response that is not HTTP/1, or is ambiguous.
var ErrMalformed = errors.New("malformed HTTP/1 response")

// Field is one header line.
type Field struct{ Name, Value string }

// Response is a server's response, its body still on the connection. The next ReadHead reuses its buffers. The zero value is ready to use.
type Response struct {
	Status int
	Fields []Field // names in canonical form
	Minor  int     // HTTP/1.Minor

	body   framing
	length int64 // that remains, of the body or of the chunk
	closes bool  // the connection ends with it
	done   bool
	scrap  []byte // of the head, used again
}

// framing is how a response's body ends.
type framing uint8

const (
	noBody framing = iota
	byLength
	byChunks
	byClose // when the connection closes
	upgraded
)

// Get is the first value of a header, by its canonical name.
func (r *Response) Get(name string) string {
	for i := range r.Fields {
		if r.Fields[i].Name == name {
			return r.Fields[i].Value
		}
	}
	return ""
}

// Final reports whether no other response to the same request follows.
func (r *Response) Final() bool { return r.Status >= 200 || r.Upgraded() }

// Upgraded reports whether the server has switched to another protocol.
func (r *Response) Upgraded() bool { return r.Status == 101 }

// Done reports whether the body has been read to its end.
func (r *Response) Done() bool { return r.done }

// Reset empties the response and keeps its buffers.
func (r *Response) Reset() {
	clear(r.Fields[:cap(r.Fields)])
	*r = Response{Fields: r.Fields[:0], scrap: r.scrap[:0]}
}

// ReadHead reads the status line and headers of a response to a request with the given method. An error is the connection's own, or
// ErrMalformed. After a response that is not Final another follows.
func (c *Conn) ReadHead(r *Response, method string) error {
	if err := r.readHead(c.r, method); err != nil {
		return err
	}
	c.follow(r)
	return nil
}

// Read reads the body and returns io.EOF at its end. If the connection ends before the body does it returns io.ErrUnexpectedEOF.
func (c *Conn) Read(r *Response, p []byte) (int, error) {
	n, err := r.read(c.r, p)
	c.follow(r)
	return n, err
}

// Skip discards the rest of the body if it is already buffered.
func (c *Conn) Skip(r *Response) {
	if !r.done && r.body == byLength && r.length <= int64(c.r.Buffered()) {
		c.r.Discard(int(r.length))
		r.done = true
	}
	c.follow(r)
}

// follow records whether the connection can be used after the response.
func (c *Conn) follow(r *Response) { c.answered = r.done && !r.closes && r.Status >= 200 }

func (r *Response) readHead(br *bufio.Reader, method string) error {
	r.Fields, r.scrap, r.done, r.length, r.closes = r.Fields[:0], r.scrap[:0], false, 0, false
	if err := r.readLines(br); err != nil {
		return err
	}
	head := string(r.scrap)
	line, rest, _ := strings.Cut(head, "\n")
	if !r.parseStatus(strings.TrimSuffix(line, "\r")) {
		return ErrMalformed
	}
	for {
		line, rest, _ = strings.Cut(rest, "\n")
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || len(r.Fields) == MaxFields {
			return ErrMalformed
		}
		r.Fields = append(r.Fields, Field{textproto.CanonicalMIMEHeaderKey(name), value})
	}
	return r.frame(method)
}

// readLines reads a head up to its blank line into r.scrap.
func (r *Response) readLines(br *bufio.Reader) error {
	if b, err := br.Peek(1); err != nil {
		return err
	} else if b[0] != 'H' {
		return ErrMalformed
	}
	for {
		line, err := br.ReadSlice('\n')
		r.scrap = append(r.scrap, line...)
		if len(r.scrap) > MaxHeadBytes {
			return ErrMalformed
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if errors.Is(err, io.EOF) {
			return ErrMalformed // half a head: a protocol error for Envoy too
		}
		if err != nil {
			return err
		}
		if len(line) <= 2 && (len(line) == 1 || line[0] == '\r') && endsLine(r.scrap[:len(r.scrap)-len(line)]) {
			return nil
		}
		if len(r.scrap) == len(line) && !strings.HasPrefix(string(line[:min(len(line), 7)]), "HTTP/1.") {
			return ErrMalformed
		}
	}
}

// endsLine reports whether b ends at a line end: a blank line may have arrived in two reads.
func endsLine(b []byte) bool { return len(b) == 0 || b[len(b)-1] == '\n' }

// parseStatus reads "HTTP/1.1 200 OK".
func (r *Response) parseStatus(line string) bool {
	if len(line) < len("HTTP/1.1 200") || line[:7] != "HTTP/1." || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return false
	}
	if line[7] != '0' && line[7] != '1' {
		return false
	}
	r.Minor = int(line[7] - '0')
	r.Status = 0
	for _, c := range []byte(line[9:12]) {
		if c < '0' || c > '9' {
			return false
		}
		r.Status = r.Status*10 + int(c-'0')
	}
	return r.Status >= 100
}

// frame determines where the body ends (RFC 9112, section 6.3) and whether the connection stays open.
func (r *Response) frame(method string) error {
	length, chunked, err := r.framingFields()
	if err != nil {
		return err
	}
	bare := r.Status < 200 || r.Status == 204 // they have no body, and must not announce one
	switch {
	case bare && (chunked || length > 0):
		return ErrMalformed
	case r.Status == 101:
		r.body = upgraded
	case bare:
		r.body, r.done = noBody, true
	case method == "HEAD" || r.Status == 304:
		r.body, r.done = noBody, true
	case chunked:
		r.body = byChunks
		r.closes = r.closes || r.Minor == 0 // RFC 9112, section 6.1
	case length >= 0:
		r.body, r.length, r.done = byLength, length, length == 0
	default:
		r.body, r.closes = byClose, true
	}
	return nil
}

// framingFields reads the fields that frame the body, and Connection. Without a Content-Length the length is -1.
func (r *Response) framingFields() (length int64, chunked bool, err error) {
	length = -1
	r.closes = r.Minor == 0
	for _, f := range r.Fields {
		switch f.Name {
		case "Content-Length":
			n, err := strconv.ParseUint(f.Value, 10, 63)
			if err != nil || length >= 0 { // Envoy rejects a second one even if it is equal
				return 0, false, ErrMalformed
			}
			length = int64(n)
		case "Transfer-Encoding":
			if chunked || !strings.EqualFold(f.Value, "chunked") {
				return 0, false, ErrMalformed
			}
			chunked = true
		case "Connection":
			if HasToken(f.Value, "close") {
				r.closes = true
			} else if r.Minor == 0 && HasToken(f.Value, "keep-alive") {
				r.closes = false
			}
		}
	}
	if chunked && length >= 0 {
		return 0, false, ErrMalformed // request smuggling
	}
	return length, chunked, nil
}

func (r *Response) read(br *bufio.Reader, p []byte) (int, error) {
	if r.done || r.body == upgraded {
		return 0, io.EOF
	}
	if r.body == byClose {
		n, err := br.Read(p)
		r.done = err == io.EOF
		return n, err
	}
	if r.body == byChunks && r.length == 0 {
		if err := r.nextChunk(br); err != nil || r.done {
			return 0, cmpEOF(err)
		}
	}
	n, err := br.Read(p[:min(int64(len(p)), r.length)])
	r.length -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && r.length == 0 {
		if r.body == byLength {
			r.done = true
		} else {
			err = chunkEnd(br)
		}
	}
	return n, err
}

// cmpEOF returns io.EOF for the end of a body, or the error that ended it early.
func cmpEOF(err error) error {
	switch {
	case err == nil:
		return io.EOF
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// nextChunk reads a chunk's size and, after the last one, the trailers. Envoy drops trailers unless it is configured otherwise, which Istio
// does not do.
func (r *Response) nextChunk(br *bufio.Reader) error {
	line, err := br.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return ErrMalformed
	}
	if err != nil {
		return err
	}
	n, ok := chunkSize(string(line))
	if !ok {
		return ErrMalformed
	}
	r.length = n
	if n > 0 {
		return nil
	}
	for total := 0; ; {
		line, err := br.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			err = ErrMalformed
		}
		if err != nil {
			return err
		}
		text, ok := strings.CutSuffix(string(line), "\r\n")
		if !ok {
			return ErrMalformed
		}
		if text == "" {
			r.done = true
			return nil
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return ErrMalformed
		}
		if total += len(line); total > MaxHeadBytes {
			return ErrMalformed
		}
	}
}

// chunkSize reads the line before a chunk: hexadecimal digits, blanks, and an extension after a semicolon. Like Envoy it accepts no blank
// before the size, and no line end but CR LF.
func chunkSize(line string) (size int64, ok bool) {
	line, ok = strings.CutSuffix(line, "\r\n")
	if !ok || !httpguts.ValidHeaderFieldValue(line) {
		return 0, false
	}
	digits, _, _ := strings.Cut(line, ";")
	digits = strings.TrimRight(digits, " \t")
	if digits == "" || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 62)
	return int64(n), err == nil
}

// chunkEnd reads the line end after a chunk.
func chunkEnd(br *bufio.Reader) error {
	for _, want := range []byte("\r\n") {
		b, err := br.ReadByte()
		switch {
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		case b != want:
			return ErrMalformed
		}
	}
	return nil
}

// HasToken reports whether a comma-separated header value names a token, in any case.
func HasToken(value, token string) bool {
	for v := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.TrimSpace(v), token) {
			return true
		}
	}
	return false
}
