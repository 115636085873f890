package proxy

import (
	"bufio"
	"errors"
	"io"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Limits on what an upstream may send as a head, which are Envoy's defaults.
const (
	maxHeadBytes   = 60 << 10
	maxHeadFields  = 100
	maxInformation = 16 // answers 1xx before the one that counts
)

// errGarbage is an upstream's answer that is no HTTP.
var errGarbage = errors.New("not an HTTP/1 answer")

// field is one header line.
type field struct{ name, value string }

// response is an upstream's answer, its body still on the connection.
type response struct {
	status int
	fields []field // names in canonical form
	minor  int     // HTTP/1.minor

	body   bodyKind
	length int64 // that remains, of the body or of the chunk
	closes bool  // the connection ends with it
	done   bool
	text   string // the whole body, with bodySidecar
	scrap  []byte // of the head, used again
}

type bodyKind uint8

const (
	bodyNone bodyKind = iota
	bodyLength
	bodyChunked
	bodyToEnd // until the connection closes
	bodyUpgraded
	bodySidecar // that of the destination's sidecar, in text
)

// get is the first value of a header, by its canonical name.
func (r *response) get(name string) string {
	for i := range r.fields {
		if r.fields[i].name == name {
			return r.fields[i].value
		}
	}
	return ""
}

// replace makes the response one of the destination's sidecar.
func (r *response) replace(status int, text string) {
	r.status, r.fields, r.body, r.text, r.done, r.closes = status, r.fields[:0], bodySidecar, text, false, false
}

// readHead reads an answer's status line and headers. An error is io's, or errGarbage.
func (r *response) readHead(br *bufio.Reader, method string) error {
	r.fields, r.scrap, r.done, r.length, r.closes = r.fields[:0], r.scrap[:0], false, 0, false
	if b, err := br.Peek(1); err != nil {
		return err
	} else if b[0] != 'H' {
		return errGarbage
	}
	for {
		line, err := br.ReadSlice('\n')
		r.scrap = append(r.scrap, line...)
		if len(r.scrap) > maxHeadBytes {
			return errGarbage
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			if err == io.EOF {
				err = errGarbage // half a head: Envoy too calls it an error of the protocol
			}
			return err
		}
		if len(line) <= 2 && (len(line) == 1 || line[0] == '\r') && endsLine(r.scrap[:len(r.scrap)-len(line)]) {
			break
		}
		if len(r.scrap) == len(line) && !strings.HasPrefix(string(line[:min(len(line), 7)]), "HTTP/1.") {
			return errGarbage
		}
	}
	head := string(r.scrap)
	line, rest, _ := strings.Cut(head, "\n")
	if !r.parseStatus(strings.TrimSuffix(line, "\r")) {
		return errGarbage
	}
	for {
		line, rest, _ = strings.Cut(rest, "\n")
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || len(r.fields) == maxHeadFields {
			return errGarbage
		}
		r.fields = append(r.fields, field{textproto.CanonicalMIMEHeaderKey(name), value})
	}
	return r.frame(method)
}

// endsLine is whether a line ends here: a blank line may have come in two reads.
func endsLine(b []byte) bool { return len(b) == 0 || b[len(b)-1] == '\n' }

// parseStatus reads "HTTP/1.1 200 OK".
func (r *response) parseStatus(line string) bool {
	if len(line) < len("HTTP/1.1 200") || line[:7] != "HTTP/1." || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return false
	}
	if line[7] != '0' && line[7] != '1' {
		return false
	}
	r.minor = int(line[7] - '0')
	r.status = 0
	for _, c := range []byte(line[9:12]) {
		if c < '0' || c > '9' {
			return false
		}
		r.status = r.status*10 + int(c-'0')
	}
	return r.status >= 100
}

// frame works out where the body ends (RFC 9112, section 6.3) and whether the connection lives on.
func (r *response) frame(method string) error {
	lengths, chunked := "", false
	r.closes = r.minor == 0
	for _, f := range r.fields {
		switch f.name {
		case "Content-Length":
			if lengths != "" && lengths != f.value {
				return errGarbage
			}
			lengths = f.value
		case "Transfer-Encoding":
			if !strings.EqualFold(f.value, "chunked") {
				return errGarbage
			}
			chunked = true
		case "Connection":
			if hasToken(f.value, "close") {
				r.closes = true
			} else if r.minor == 0 && hasToken(f.value, "keep-alive") {
				r.closes = false
			}
		}
	}
	switch {
	case r.status == 101:
		r.body = bodyUpgraded
	case r.status < 200 || method == "HEAD" || r.status == 204 || r.status == 304:
		r.body, r.done = bodyNone, true
	case chunked && lengths != "":
		return errGarbage // somebody is smuggling
	case chunked:
		r.body = bodyChunked
	case lengths != "":
		n, err := strconv.ParseUint(lengths, 10, 63)
		if err != nil {
			return errGarbage
		}
		r.body, r.length, r.done = bodyLength, int64(n), n == 0
	default:
		r.body, r.closes = bodyToEnd, true
	}
	return nil
}

// read reads the body, io.EOF at its end. An end before the end is io.ErrUnexpectedEOF.
func (r *response) read(br *bufio.Reader, p []byte) (int, error) {
	if r.done {
		return 0, io.EOF
	}
	if r.body == bodyToEnd {
		n, err := br.Read(p)
		r.done = err == io.EOF
		return n, err
	}
	if r.body == bodyChunked && r.length == 0 {
		if err := r.nextChunk(br); err != nil || r.done {
			return 0, cmpEOF(err)
		}
	}
	n, err := br.Read(p[:min(int64(len(p)), r.length)])
	r.length -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && r.length == 0 {
		if r.body == bodyLength {
			r.done = true
		} else {
			err = chunkEnd(br)
		}
	}
	return n, err
}

// cmpEOF is the end of a body, or the error that kept it from one.
func cmpEOF(err error) error {
	switch err {
	case nil:
		return io.EOF
	case io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}

// nextChunk reads a chunk's size, and after the last one the trailers, which Envoy drops unless it is told otherwise, which Istio does not.
func (r *response) nextChunk(br *bufio.Reader) error {
	line, err := br.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return errGarbage
	}
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(string(line), ";")
	size = strings.TrimSpace(size)
	n, err := strconv.ParseUint(size, 16, 62)
	if err != nil || size == "" || size[0] == '+' {
		return errGarbage
	}
	r.length = int64(n)
	if n > 0 {
		return nil
	}
	for total := 0; ; {
		line, err := br.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			err = errGarbage
		}
		if err != nil {
			return err
		}
		if len(line) <= 2 && strings.TrimRight(string(line), "\r\n") == "" {
			r.done = true
			return nil
		}
		if total += len(line); total > maxHeadBytes {
			return errGarbage
		}
	}
}

// chunkEnd reads the line's end after a chunk.
func chunkEnd(br *bufio.Reader) error {
	b, err := br.ReadByte()
	if err == nil && b == '\r' {
		b, err = br.ReadByte()
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err == nil && b != '\n' {
		return errGarbage
	}
	return err
}

// hasToken is whether a comma-separated header value names a token, in any case.
func hasToken(value, token string) bool {
	for v := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.TrimSpace(v), token) {
			return true
		}
	}
	return false
}
