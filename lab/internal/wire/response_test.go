package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// source is a connection that reads from a reader and records what was written.
type source struct {
	net.Conn
	io.Reader
	wrote  strings.Builder
	failAt int // the first write that would go beyond as many bytes fails; 0: none
}

func (s *source) Read(p []byte) (int, error) { return s.Reader.Read(p) }
func (s *source) Write(p []byte) (int, error) {
	if s.failAt > 0 && s.wrote.Len()+len(p) > s.failAt {
		n, _ := s.wrote.Write(p[:s.failAt-s.wrote.Len()])
		return n, io.ErrShortWrite
	}
	return s.wrote.Write(p)
}
func (s *source) SetDeadline(time.Time) error     { return nil }
func (s *source) SetReadDeadline(time.Time) error { return nil }
func (s *source) Close() error                    { return nil }

func TestResponses(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("x: 1\r\n", MaxFields+1)
	long := "x: " + strings.Repeat("y", MaxHeadBytes) + "\r\n"
	for _, c := range []struct {
		name, method, text string
		status             int
		body               string
		closes             bool
		err                error
	}{
		{"length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", false, nil},
		{"no reason", "GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, "", false, nil},
		{"bare line feeds", "GET", "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", 200, "abc", false, nil},
		{"same length twice", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 0, "", false, ErrMalformed},
		{"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\n\r\n", 200, "abc0123456789", false, nil},
		{"trailers are dropped", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: 1\r\n\r\n", 200, "a", false, nil},
		{"to the end", "GET", "HTTP/1.1 200 OK\r\n\r\nabc", 200, "abc", true, nil},
		{"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, "a", true, nil},
		{"HTTP/1.0 kept", "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na", 200, "a", false, nil},
		{"close", "GET", "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 1\r\n\r\na", 200, "a", true, nil},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, "", false, nil},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", false, nil},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, "", false, nil},
		{"nothing", "GET", "", 0, "", false, io.EOF},
		{"garbage", "GET", "garbage\r\n\r\n", 0, "", false, ErrMalformed},
		{"garbage that begins well", "GET", "HTTQ/1.1 200 OK\r\n\r\n", 0, "", false, ErrMalformed},
		{"HTTP/2", "GET", "HTTP/2.0 200 OK\r\n\r\n", 0, "", false, ErrMalformed},
		{"status of letters", "GET", "HTTP/1.1 2x0 OK\r\n\r\n", 0, "", false, ErrMalformed},
		{"status of four digits", "GET", "HTTP/1.1 2000 OK\r\n\r\n", 0, "", false, ErrMalformed},
		{"half a head", "GET", "HTTP/1.1 200 OK\r\nConte", 0, "", false, ErrMalformed},
		{"no colon", "GET", "HTTP/1.1 200 OK\r\nfoo\r\n\r\n", 0, "", false, ErrMalformed},
		{"space before the colon", "GET", "HTTP/1.1 200 OK\r\nfoo : a\r\n\r\n", 0, "", false, ErrMalformed},
		{"folded", "GET", "HTTP/1.1 200 OK\r\nfoo: a\r\n b\r\n\r\n", 0, "", false, ErrMalformed},
		{"control character", "GET", "HTTP/1.1 200 OK\r\nfoo: a\x00b\r\n\r\n", 0, "", false, ErrMalformed},
		{"negative length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, "", false, ErrMalformed},
		{"two lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 0, "", false, ErrMalformed},
		{"length and chunks", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 0, "", false, ErrMalformed},
		{"another encoding", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 0, "", false, ErrMalformed},
		{"too many headers", "GET", "HTTP/1.1 200 OK\r\n" + many + "\r\n", 0, "", false, ErrMalformed},
		{"too long a header", "GET", "HTTP/1.1 200 OK\r\n" + long + "\r\n", 0, "", false, ErrMalformed},
		{"short body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na", 200, "a", false, io.ErrUnexpectedEOF},
		{"short chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na", 200, "a", false, io.ErrUnexpectedEOF},
		{"no last chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", 200, "a", false, io.ErrUnexpectedEOF},
		{"chunk of letters", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 200, "", false, ErrMalformed},
		{"chunk too long for its size", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 200, "a", false, ErrMalformed},
		{"chunk of huge size", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 200, "", false, ErrMalformed},
	} {
		for name, from := range map[string]func(io.Reader) io.Reader{"in one piece": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader} {
			t.Run(fmt.Sprint(c.name, " ", name), func(t *testing.T) {
				t.Parallel()
				var r Response
				conn := New(&source{Reader: from(strings.NewReader(c.text))})
				if err := conn.Send(nil, None, nil); err != nil {
					t.Fatal(err)
				}
				err := conn.ReadHead(&r, c.method)
				if err == nil && r.Status != c.status {
					t.Errorf("status %d, want %d", r.Status, c.status)
				}
				body := ""
				for buf := make([]byte, 4); err == nil; {
					var n int
					n, err = conn.Read(&r, buf)
					body += string(buf[:n])
				}
				if c.err == nil {
					if !errors.Is(err, io.EOF) || !r.done {
						t.Errorf("ended with %v, done %t", err, r.done)
					}
				} else if !errors.Is(err, c.err) {
					t.Errorf("error %v, want %v", err, c.err)
				}
				if reusable := c.err == nil && !c.closes; conn.Reusable() != reusable {
					t.Errorf("reusable %t, want %t", conn.Reusable(), reusable)
				}
				if body != c.body || c.err == nil && r.closes != c.closes {
					t.Errorf("body %q, closes %t, want %q, %t", body, r.closes, c.body, c.closes)
				}
			})
		}
	}
}

// FuzzResponse checks two rules for reading responses: it ends, and a body reported as complete was there.
func FuzzResponse(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "GET")
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: 1\r\n\r\n", "GET")
	f.Add("HTTP/1.0 200 OK\r\n\r\nabc", "HEAD")
	f.Fuzz(func(t *testing.T, text, method string) {
		var r Response
		c := New(&source{Reader: strings.NewReader(text)})
		total := 0
		for err := c.ReadHead(&r, method); err == nil; {
			var n int
			n, err = c.Read(&r, make([]byte, 7))
			total += n
		}
		if total > len(text) {
			t.Errorf("%d bytes of body out of %d", total, len(text))
		}
		for _, h := range r.Fields {
			if strings.ContainsAny(h.Name+h.Value, "\r\n\x00") {
				t.Errorf("header %q: %q", h.Name, h.Value)
			}
		}
	})
}
