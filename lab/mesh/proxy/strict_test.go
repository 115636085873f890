package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// strict is an upstream with its own parser, which rejects everything ambiguous. It responds after the head, as RFC 9112 allows, and reads
// the body afterwards: it would read missing bytes of the body from the next request. A request that the proxy did not write itself, or not
// as expected, is a finding.
type strict struct {
	t       testing.TB
	address string

	mu       sync.Mutex
	requests []string // request lines, in their order
	findings []string
}

// newStrict starts a strict upstream. The first segment of the path selects the response: see converse.
func newStrict(t testing.TB) *strict {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &strict{t: t, address: l.Addr().String()}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				for r := bufio.NewReaderSize(c, 128<<10); s.converse(c, r); {
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return s
}

// find records a finding.
func (s *strict) find(format string, args ...any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findings = append(s.findings, fmt.Sprintf(format, args...))
	return false
}

// check fails for each finding since the last check.
func (s *strict) check(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.findings {
		t.Error(f)
	}
	s.findings = nil
}

// saw returns the number of requests whose line begins with a text.
func (s *strict) saw(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) ([!-~]+) HTTP/1\.1$`)
	fieldLine   = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([^\x00-\x08\x0a-\x1f\x7f]*)$")
	madeID      = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

// head reads a request's head. It returns false if the connection has ended, or for a finding.
func (s *strict) head(r *bufio.Reader) (line string, h http.Header, ok bool) {
	h = http.Header{}
	for n := 0; ; n++ {
		text, err := r.ReadString('\n')
		if err != nil {
			if text != "" {
				s.find("half a head: %q", text)
			}
			return "", nil, false
		}
		text, crlf := strings.CutSuffix(text, "\r\n")
		f := fieldLine.FindStringSubmatch(text)
		switch {
		case !crlf:
			return "", nil, s.find("a line without CR LF: %q", text)
		case n == 0 && !requestLine.MatchString(text):
			return "", nil, s.find("no request line: %q", text)
		case n == 0:
			line = text
		case text == "":
			return line, h, s.framed(line, h)
		case f == nil:
			return "", nil, s.find("%s: no header line: %q", line, text)
		default:
			name := textproto.CanonicalMIMEHeaderKey(f[1])
			h[name] = append(h[name], f[2])
		}
	}
}

// framed checks the header fields that frame the request.
func (s *strict) framed(line string, h http.Header) bool {
	cl, te := h["Content-Length"], h["Transfer-Encoding"]
	switch {
	case len(h["Host"]) != 1:
		return s.find("%s: %d Hosts", line, len(h["Host"]))
	case len(cl)+len(te) > 1:
		return s.find("%s: Content-Length %q, Transfer-Encoding %q", line, cl, te)
	case len(te) > 0 && te[0] != "chunked":
		return s.find("%s: Transfer-Encoding %q", line, te)
	case len(h[hRequestID]) != 1 || !madeID.MatchString(h[hRequestID][0]) || len(h[hAttempts]) != 1:
		return s.find("%s: the proxy did not write it: %q", line, h) // it was smuggled
	}
	if len(cl) > 0 {
		if n, err := strconv.ParseUint(cl[0], 10, 63); err != nil || strconv.FormatUint(n, 10) != cl[0] {
			return s.find("%s: Content-Length %q", line, cl[0])
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, line)
	return true
}

// body reads a request's body.
func (s *strict) body(line string, h http.Header, r *bufio.Reader) (string, bool) {
	if len(h["Transfer-Encoding"]) == 0 {
		n, _ := strconv.Atoi(h.Get("Content-Length"))
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		return string(b), err == nil
	}
	whole := ""
	for {
		size, err := r.ReadString('\n')
		if err != nil {
			return "", false
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(size, "\r\n"), 16, 31)
		if err != nil || !strings.HasSuffix(size, "\r\n") {
			return "", s.find("%s: a chunk of size %q", line, size)
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return "", false
		}
		if string(b[n:]) != "\r\n" {
			return "", s.find("%s: a chunk ends with %q", line, b[n:])
		}
		if n == 0 {
			return whole, true
		}
		whole += string(b[:n])
	}
}

// converse handles one request. It returns false if the connection has ended.
func (s *strict) converse(c net.Conn, r *bufio.Reader) bool {
	line, h, ok := s.head(r)
	if !ok {
		return false
	}
	path := strings.Fields(line)[1]
	how, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	text := path
	switch how {
	case "wait", "victim": // for the body, which "wait" sends back
		body, ok := s.body(line, h, r)
		if !ok {
			return false
		}
		if h = (http.Header{}); how == "wait" {
			text = body
		}
	case "inform":
		io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n")
	case "switch":
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		body, ok := s.body(line, h, r)
		if ok {
			io.WriteString(c, "after "+body+", ")
			io.Copy(c, r)
		}
		return false
	case "hang":
		io.Copy(io.Discard, r)
		return false
	case "hangup":
		return false
	case "slow": // a response that does not end before the request
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		s.body(line, h, r)
		return false
	case "broken": // a response that breaks off
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		return false
	}
	status := "200 OK"
	if how == "refuse" || how == "retry" && h.Get(hAttempts) == "1" {
		status = "503 Service Unavailable"
	}
	fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(text), text)
	_, ok = s.body(line, h, r)
	return ok
}
