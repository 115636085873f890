package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestResponses(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("x: 1\r\n", maxHeadFields+1)
	long := "x: " + strings.Repeat("y", maxHeadBytes) + "\r\n"
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
		{"same length twice", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", false, nil},
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
		{"garbage", "GET", "garbage\r\n\r\n", 0, "", false, errGarbage},
		{"garbage that begins well", "GET", "HTTQ/1.1 200 OK\r\n\r\n", 0, "", false, errGarbage},
		{"HTTP/2", "GET", "HTTP/2.0 200 OK\r\n\r\n", 0, "", false, errGarbage},
		{"status of letters", "GET", "HTTP/1.1 2x0 OK\r\n\r\n", 0, "", false, errGarbage},
		{"status of four digits", "GET", "HTTP/1.1 2000 OK\r\n\r\n", 0, "", false, errGarbage},
		{"half a head", "GET", "HTTP/1.1 200 OK\r\nConte", 0, "", false, errGarbage},
		{"no colon", "GET", "HTTP/1.1 200 OK\r\nfoo\r\n\r\n", 0, "", false, errGarbage},
		{"space before the colon", "GET", "HTTP/1.1 200 OK\r\nfoo : a\r\n\r\n", 0, "", false, errGarbage},
		{"folded", "GET", "HTTP/1.1 200 OK\r\nfoo: a\r\n b\r\n\r\n", 0, "", false, errGarbage},
		{"control character", "GET", "HTTP/1.1 200 OK\r\nfoo: a\x00b\r\n\r\n", 0, "", false, errGarbage},
		{"negative length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, "", false, errGarbage},
		{"two lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 0, "", false, errGarbage},
		{"length and chunks", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 0, "", false, errGarbage},
		{"another encoding", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 0, "", false, errGarbage},
		{"too many headers", "GET", "HTTP/1.1 200 OK\r\n" + many + "\r\n", 0, "", false, errGarbage},
		{"too long a header", "GET", "HTTP/1.1 200 OK\r\n" + long + "\r\n", 0, "", false, errGarbage},
		{"short body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na", 200, "a", false, io.ErrUnexpectedEOF},
		{"short chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na", 200, "a", false, io.ErrUnexpectedEOF},
		{"no last chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", 200, "a", false, io.ErrUnexpectedEOF},
		{"chunk of letters", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 200, "", false, errGarbage},
		{"chunk too long for its size", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 200, "a", false, errGarbage},
		{"chunk of huge size", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 200, "", false, errGarbage},
	} {
		for name, from := range map[string]func(io.Reader) io.Reader{"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader} {
			t.Run(fmt.Sprint(c.name, " ", name), func(t *testing.T) {
				t.Parallel()
				var r response
				br := bufio.NewReaderSize(from(strings.NewReader(c.text)), readBuffer)
				err := r.readHead(br, c.method)
				if err == nil && r.status != c.status {
					t.Errorf("status %d, want %d", r.status, c.status)
				}
				body := ""
				for buf := make([]byte, 4); err == nil; {
					var n int
					n, err = r.read(br, buf)
					body += string(buf[:n])
				}
				if c.err == nil {
					if err != io.EOF || !r.done {
						t.Errorf("ended with %v, done %t", err, r.done)
					}
				} else if !errors.Is(err, c.err) {
					t.Errorf("error %v, want %v", err, c.err)
				}
				if body != c.body || c.err == nil && r.closes != c.closes {
					t.Errorf("body %q, closes %t, want %q, %t", body, r.closes, c.body, c.closes)
				}
			})
		}
	}
}

// FuzzResponse holds the reading of answers to two rules: it ends, and what it takes for complete was there.
func FuzzResponse(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "GET")
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: 1\r\n\r\n", "GET")
	f.Add("HTTP/1.0 200 OK\r\n\r\nabc", "HEAD")
	f.Fuzz(func(t *testing.T, text, method string) {
		var r response
		br := bufio.NewReaderSize(strings.NewReader(text), 64)
		total := 0
		for err := r.readHead(br, method); err == nil; {
			var n int
			n, err = r.read(br, make([]byte, 7))
			total += n
		}
		if total > len(text) {
			t.Errorf("%d bytes of body out of %d", total, len(text))
		}
		for _, h := range r.fields {
			if strings.ContainsAny(h.name+h.value, "\r\n\x00") {
				t.Errorf("header %q: %q", h.name, h.value)
			}
		}
	})
}

func TestGarbageFromUpstream(t *testing.T) {
	t.Parallel()
	up := script(t, func(r string) string {
		if strings.HasSuffix(r, "/half") {
			return "HTTP/1.1 200 OK\r\nConte\x00close"
		}
		return "garbage, and nothing more"
	})
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up))
	const text = "upstream connect error or disconnect/reset before headers. reset reason: protocol error"
	b.get("http://middle/").want(t, 502, text)
	b.get("http://middle/half").want(t, 502, text)
}
