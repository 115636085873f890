package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/wire"
	"github.com/hopline/hopline/lab/mesh"
)

// want is the expected outcome of a hostile request.
type want int

const (
	refused want = iota // 4xx, 501, 505, or no response
	served              // 200, as for a request with only one interpretation
)

// hostile is a request that a parser may read as two, or as none.
type hostile struct {
	name, text string
	want       want
	inBody     bool // the fault is in the body; an upstream that responds early does not read it
}

// inner is the text that a smuggling attack wants the upstream to read as a request.
const inner = "DELETE /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

// post returns a request to the strict upstream with header lines and an unchanged body.
func post(headers, body string) string {
	return "POST /wait/x HTTP/1.1\r\nHost: middle\r\n" + headers + "\r\n" + body
}

func transferEncodings() (all []hostile) {
	const body = "5\r\nhello\r\n0\r\n\r\n"
	for value, w := range map[string]want{
		"chunked": served, "Chunked": served, "CHUNKED": served, " chunked ": served, "\tchunked": served,
		"chunked, chunked": refused, "chunked,": refused, ",chunked": refused, "gzip, chunked": refused, "chunked, gzip": refused, "gzip": refused,
		"identity": refused, "identity, chunked": refused, "xchunked": refused, "chunkedx": refused, "chunk": refused, "chunked;q=1": refused,
		"\"chunked\"": refused, "'chunked'": refused, "\x0bchunked": refused, "\x0cchunked": refused, "chunked\x00": refused, "chun\x00ked": refused,
		"chunked\r": refused, "c hunked": refused, "chunked chunked": refused, "trailers": refused, "null": refused, "deflate": refused,
		"chunked\xa0": refused, "chunke\u0064\u2028": refused,
	} {
		all = append(all,
			hostile{fmt.Sprintf("TE %q", value), post("Transfer-Encoding:"+value+"\r\n", body), w, false},
			hostile{fmt.Sprintf("CL.TE %q", value), post("Content-Length: 5\r\nTransfer-Encoding:"+value+"\r\n", body), w, false},
			hostile{fmt.Sprintf("TE.CL %q", value), post("Transfer-Encoding:"+value+"\r\nContent-Length: 5\r\n", body), w, false},
			hostile{fmt.Sprintf("TE TE %q", value), post("Transfer-Encoding: chunked\r\nTransfer-Encoding:"+value+"\r\n", body), refused, false})
	}
	for _, name := range []string{"Transfer-Encoding ", " Transfer-Encoding", "Transfer Encoding", "Transfer\x00-Encoding", "Transfer-Encoding\t", "Transfer-Encoding\r", "\rTransfer-Encoding"} {
		all = append(all, hostile{fmt.Sprintf("name %q", name), post("Content-Length: 5\r\n"+name+": chunked\r\n", "hello"), refused, false})
	}
	return append(all, hostile{"another name for it", post("Content-Length: 5\r\nTransfer_Encoding: chunked\r\n", "hello"), served, false},
		hostile{"folded", post("Content-Length: 5\r\nX: y\r\n Transfer-Encoding: chunked\r\n", "hello"), served, false},
		hostile{"HTTP/1.0", strings.Replace(post("Transfer-Encoding: chunked\r\n", body), "1.1", "1.0", 1), refused, false})
}

func contentLengths() (all []hostile) {
	for value, w := range map[string]want{
		"5": served, " 5 ": served, "\t5": served, "05": served, "": refused, "+5": refused, "-5": refused, "0x5": refused, "5_0": refused, "5,5": refused, "5, 5": refused,
		"5,6": refused, "5 5": refused, "5.0": refused, "5e0": refused, "\x0b5": refused, "5\x00": refused, "\u0665": refused, "five": refused,
		"9223372036854775808": refused, "18446744073709551621": refused, "99999999999999999999999": refused, "5;": refused, "'5'": refused, "\"5\"": refused,
	} {
		all = append(all, hostile{fmt.Sprintf("CL %q", value), post("Content-Length:"+value+"\r\n", "hello"), w, false})
		if w == refused {
			all = append(all, hostile{fmt.Sprintf("CL CL %q", value), post("Content-Length: 5\r\nContent-Length:"+value+"\r\n", "hello"), w, false})
		}
	}
	return append(all, hostile{"CL twice, equal", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), served, false},
		hostile{"CL twice", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), refused, false})
}

func chunks() (all []hostile) {
	for size, w := range map[string]want{
		"5": served, "005": served, "5;a=b": served, "5;a=\"b\"": served, "5 ": served, "5 ;a": refused, "5;": served, "5;a;b;c": served,
		" 5": refused, "\t5": refused, "+5": refused, "-5": refused, "0x5": refused, "5h": refused, "g": refused, "": refused, "5\x0b": refused, "5\x0c": refused, "5_": refused,
		"5,5": refused, "5 5": refused, "\x005": refused, "ffffffffffffffff5": refused, "10000000000000005": refused, "5\x00": refused, "５": refused, ";a": refused,
	} {
		all = append(all, hostile{fmt.Sprintf("size %q", size), post("Transfer-Encoding: chunked\r\n", size+"\r\nhello\r\n0\r\n\r\n"), w, true})
	}
	for body, w := range map[string]want{
		"5\r\nhello\r\n0\r\nx: y\r\n\r\n": served, "5\r\nhello\r\n00\r\n\r\n": served,
		"5\r\nhello!\r\n0\r\n\r\n": refused, "5\r\nhell\r\n0\r\n\r\n": refused, "5\r\nhelloXX0\r\n\r\n": refused, "5\r\nhello\r\r\n0\r\n\r\n": refused,
		"5\r\nhello\r\nx\r\n\r\n": refused, "5\r\nhello\r\n\r\n0\r\n\r\n": refused, "5\r\nhello0\r\n\r\n": refused, "5\rhello\r\n0\r\n\r\n": refused,
		"5;" + strings.Repeat("a", 70<<10) + "\r\nhello\r\n0\r\n\r\n": refused,
	} {
		all = append(all, hostile{fmt.Sprintf("chunks %.30q", body), post("Transfer-Encoding: chunked\r\n", body), w, true})
	}
	return all
}

func requestLines() (all []hostile) {
	for line, w := range map[string]want{
		"GET /wait HTTP/1.1": served, "GET http://middle/wait HTTP/1.1": served, "GET HTTP://middle/wait HTTP/1.1": served, "get /wait HTTP/1.1": refused,
		"GET /wait HTTP/1.0": refused, "GET /wait HTTP/0.9": refused, "GET /wait HTTP/2.0": refused, "GET /wait HTTP/1.2": served, "GET /wait": refused,
		"GET  /wait HTTP/1.1": refused, "GET /wait  HTTP/1.1": refused, "GET /wait HTTP/1.1 ": refused, " GET /wait HTTP/1.1": refused, "GET\t/wait HTTP/1.1": refused,
		"GET /wait http/1.1": refused, "GET /wait HTTP/1.1x": refused, "GET /wait HTTP/11": refused, "GET /wait HTTP/1.1\x00": refused, "GET /wait\x00 HTTP/1.1": refused,
		"G\x00T /wait HTTP/1.1": refused, "GE(T /wait HTTP/1.1": refused, "FOO /wait HTTP/1.1": refused, "PRI * HTTP/2.0": refused, "CONNECT middle:80 HTTP/1.1": refused,
		"GET wait HTTP/1.1": refused, "GET * HTTP/1.1": refused, "OPTIONS * HTTP/1.1": refused, "GET ftp://middle/wait HTTP/1.1": refused, "GET ws://middle/wait HTTP/1.1": refused,
		"GET https://middle/wait HTTP/1.1": refused, "GET file:///wait HTTP/1.1": refused, "GET http://middle:/wait HTTP/1.1": refused, "GET //middle/wait HTTP/1.1": served, "GET http:///wait HTTP/1.1": refused,
		"GET /wait?a=\xc3\xa4 HTTP/1.1": refused, "GET /wait\xc3\xa4 HTTP/1.1": refused, "GET /wait?\x7f HTTP/1.1": refused, "GET /wait?\x80 HTTP/1.1": refused, "GET /wait\x7f HTTP/1.1": refused,
		"GET /wait?\" HTTP/1.1": served, "GET /wait?%zz HTTP/1.1": served, "GET /wait#f HTTP/1.1": refused, "GET /wait?#f HTTP/1.1": refused, "GET /wait%00 HTTP/1.1": refused,
		"GET /wait%0d%0aX:%20y HTTP/1.1": served, "GET /wait?a%0d%0ab HTTP/1.1": served, "GET /wait\rX HTTP/1.1": refused, "GET /../wait HTTP/1.1": served, "GET /a/../wait HTTP/1.1": served,
		`GET \wait HTTP/1.1`: refused, "": refused,
	} {
		all = append(all, hostile{fmt.Sprintf("line %q", line), line + "\r\nHost: middle\r\n\r\n", w, false})
	}
	return append(all, hostile{"blank line before", "\r\nGET /wait HTTP/1.1\r\nHost: middle\r\n\r\n", refused, false},
		hostile{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 300) + "\r\n\r\n", refused, false}, hostile{"bare line feeds", "GET /wait HTTP/1.1\nHost: middle\n\n", served, false})
}

func headers() (all []hostile) {
	get := func(headers string) string { return "GET /wait HTTP/1.1\r\n" + headers + "\r\n" }
	for h, w := range map[string]want{
		"Host: middle\r\n": served, "": refused, "Host: middle\r\nHost: middle\r\n": refused, "Host: middle\r\nHost: other\r\n": refused, "Host: a b\r\n": refused, "Host: a/b\r\n": refused,
		"Host: a\x00b\r\n": refused, "Host: a\xffb\r\n": refused, "Host : middle\r\n": refused, " Host: middle\r\n": refused, "Host: u@middle\r\n": refused,
		"Host: middle\r\nX y: z\r\n": refused, "Host: middle\r\nX: a\x00b\r\n": refused, "Host: middle\r\nX: a\x7fb\r\n": refused, "Host: middle\r\nX : y\r\n": refused, "Host: middle\r\n: y\r\n": refused,
		"Host: middle\r\nX\r\n": refused, "Host: middle\r\nX: a\rContent-Length: 5\r\n": refused, "Host: middle\r\nX: a\r\n b\r\n": served, "Host: middle\r\nX(: y\r\n": refused, "Host: middle\r\nX:\xff\r\n": served,
		"Host: middle\r\nConnection: close\r\n": served, "Host: middle\r\nConnection: Content-Length\r\nContent-Length: 0\r\n": served, "Host: middle\r\nConnection: Host\r\n": served,
		"Host: middle\r\nConnection: X-Request-Id, X-Forwarded-For\r\n": served, "Host: middle\r\nConnection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n": served,
		"Host: middle\r\nConnection: upgrade\r\nUpgrade: tls\r\n": refused, "Host: middle\r\nUpgrade: websocket\r\n": served, "Host: middle\r\nConnection: upgrade\r\nUpgrade: websocket\r\n": served,
		"Host: middle\r\nConnection: upgrade\r\nUpgrade: websocket, h2c\r\n": refused, "Host: middle\r\nExpect: 200-ok\r\n": refused, "Host: middle\r\nExpect: 100-continue\r\n": served,
		"Host: middle\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers, deflate\r\nTrailer: X\r\n": served, "Host: middle\r\nX: " + strings.Repeat("y", 80<<10) + "\r\n": refused,
		"Host: middle\r\n" + strings.Repeat("X: y\r\n", 100): refused, "Host: middle\r\n" + strings.Repeat("X: y\r\n", 98): served, "Host: middle\r\n" + strings.Repeat("x", 80<<10) + ": y\r\n": refused,
		"Host: middle\r\nX-Request-Id: mine\r\nX-Envoy-Attempt-Count: 9\r\n": served,
	} {
		all = append(all, hostile{fmt.Sprintf("headers %.60q", h), get(h), w, false})
	}
	for _, length := range []int{0, 5, len(inner)} {
		for _, upgrade := range []string{"", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "Upgrade: websocket\r\n", "Expect: 100-continue\r\n"} {
			all = append(all, hostile{fmt.Sprintf("GET with a body of %d, %q", length, upgrade),
				fmt.Sprintf("GET /wait HTTP/1.1\r\nHost: middle\r\n%sContent-Length: %d\r\n\r\n%s", upgrade, length, inner[:length]), served, false})
		}
	}
	return all
}

// TestHostileRequests sends requests that a parser may read as two. After each it sends requests of other callers over the same upstream
// connection. The upstream gets only requests that the proxy wrote, and every caller gets the response to its own request.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	for name, cases := range map[string]func() []hostile{"transfer encodings": transferEncodings, "content lengths": contentLengths, "chunks": chunks,
		"request lines": requestLines, "headers": headers} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := newStrict(t)
			b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address))
			address := b.ingress.Listener.Addr().String()
			victims(t, address, "before")
			for _, c := range cases() {
				for _, how := range []string{"/wait", "/early"} {
					c.attack(t, address, strings.ReplaceAll(c.text, "/wait", how))
				}
				victims(t, address, "after")
				up.check(t)
			}
		})
	}
}

// attack sends the request and checks the response.
func (c *hostile) attack(t *testing.T, address, text string) {
	t.Helper()
	conn := raw(t, address, "")
	defer conn.Close()
	go io.WriteString(conn, text) // the proxy may refuse it before all is written
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	for err == nil && res.StatusCode == http.StatusContinue {
		res, err = http.ReadResponse(r, nil)
	}
	status := 0
	switch {
	case err == nil:
		status = res.StatusCode
		res.Body.Close()
	case strings.Contains(err.Error(), "timeout"):
		t.Errorf("%s: no response, and the connection stays open", c.name)
		return
	}
	ok := status == 200 && (c.want == served || strings.HasPrefix(text, "POST /early") && c.inBody)
	if c.want == refused {
		ok = ok || status == 0 || status >= 400 && status < 500 || status == 501 || status == 505
	}
	if !ok {
		t.Errorf("%s (%.40q): status %d", c.name, text, status)
	}
}

// poisoned lists responses of a hostile upstream, each with the bytes that follow it on the connection.
func poisoned() (all []string) {
	const bad = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, head := range []string{"HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified", "HTTP/1.1 101 Switching Protocols", "HTTP/1.1 100 Continue",
		"HTTP/1.1 103 Early Hints", "HTTP/1.1 500 Internal Server Error", "HTTP/1.1 200", "HTTP/1.1 999 x", "HTTP/1.1 099 x", "HTTP/2 200 OK", "HTTP/1.1  200 OK", "ICY 200 OK"} {
		for _, framing := range []string{"", "Content-Length: 0\r\n", "Content-Length: 2\r\n", "Content-Length: 2\r\nContent-Length: 2\r\n", "Content-Length: 2\r\nContent-Length: 3\r\n", "Content-Length: 2, 2\r\n",
			"Content-Length: -1\r\n", "Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "Transfer-Encoding: gzip\r\n",
			"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n", "Connection: upgrade\r\nUpgrade: x\r\n", "Connection: close\r\nContent-Length: 2\r\n"} {
			body := "ok"
			if strings.Contains(framing, "chunked") {
				body = "2\r\nok\r\n0\r\n\r\n"
			}
			all = append(all, head+"\r\n"+framing+"\r\n"+body+bad)
		}
	}
	for _, body := range []string{" 2\r\nok\r\n0\r\n\r\n", "2\x0b\r\nok\r\n0\r\n\r\n", "2\r\r\nok\r\n0\r\n\r\n", "2\nok\n0\n\n", "2\r\nokX\r\n0\r\n\r\n", "x\r\n", "0\r\nX: y\r\n\r\n", "0\r\nX y\r\n\r\n", "-2\r\nok\r\n0\r\n\r\n"} {
		all = append(all, chunked+body+bad)
	}
	return append(all, bad+bad, "\r\n"+bad, "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok"+bad, "HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 2\r\n\r\nok"+bad,
		"HTTP/1.1 200 OK\r\n"+strings.Repeat("X: y\r\n", wire.MaxFields+1)+"\r\n", "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("y", wire.MaxHeadBytes)+"\r\n\r\n",
		strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", maxInformation+1)+bad)
}

// TestHostileResponses sends GET and HEAD to an upstream whose responses are too long, too short or malformed. Bytes that remain on a
// connection must not become the response to another request.
func TestHostileResponses(t *testing.T) {
	t.Parallel()
	cases := poisoned()
	up := script(t, func(r string) string {
		var i int
		if _, err := fmt.Sscanf(r[strings.IndexByte(r, ' '):], " /hostile/%d", &i); err == nil {
			return cases[i]
		}
		return "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nvictim"
	})
	route := routeTo(service("middle"))
	hasty := routeTo(service("middle"))
	hasty.Timeout = 50 * time.Millisecond // some responses never end
	hasty.Destinations = route.Destinations
	rules := toRoute(route)
	rules.decide = func(r *mesh.Request, _ *mesh.Source) mesh.Decision {
		d := mesh.Decision{Outcome: mesh.Forward, Route: route, To: &route.Destinations[0]}
		if strings.HasPrefix(r.Path, "/hostile") {
			d.Route = hasty
		}
		return d
	}
	b := newBench(t, Options{}, rules, podOf("middle", "middle-1", up))
	for i := range cases {
		for _, method := range []string{"GET", "HEAD"} {
			r, _ := http.NewRequest(method, fmt.Sprintf("http://middle/hostile/%d", i), nil)
			if res, err := b.client.Do(r); err == nil {
				text, err := io.ReadAll(res.Body)
				res.Body.Close()
				if strings.Contains(string(text), "HTTP/1.1") && strings.Contains(cases[i], "Length") && !errors.Is(err, io.ErrUnexpectedEOF) && res.ContentLength >= 0 {
					t.Errorf("%.60q: the response holds the next one: %q", cases[i], text)
				}
			}
			for range 2 {
				b.get("http://middle/victim").want(t, 200, "victim")
			}
		}
	}
}
