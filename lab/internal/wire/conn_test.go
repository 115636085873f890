package wire

import (
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestReusable ends an exchange in every possible way: only a complete exchange leaves the connection reusable.
func TestReusable(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for _, c := range []struct {
		name     string
		response string
		frame    Body
		body     []string
		end      bool // the body is ended
		read     bool // the response's body is read
		then     func(*Conn)
		want     bool
	}{
		{"no body", ok, None, nil, false, true, nil, true},
		{"a body of nothing", ok, 0, nil, false, true, nil, true},
		{"length", ok, 5, []string{"he", "llo"}, true, true, nil, true},
		{"chunks", ok, Chunked, []string{"he", "llo"}, true, true, nil, true},
		{"nothing of the body", ok, 5, nil, false, true, nil, false},
		{"half of the body", ok, 5, []string{"he"}, false, true, nil, false},
		{"half of the body, then its end", ok, 5, []string{"he"}, true, true, nil, false},
		{"chunks without the last", ok, Chunked, []string{"he"}, false, true, nil, false},
		{"too long a body", ok, 5, []string{"hello!"}, true, true, nil, false},
		{"an unread response", ok, None, nil, false, false, nil, false},
		{"poison", ok + "HTTP/1.1 200 OK\r\n", None, nil, false, true, nil, false},
		{"an interim response only", "HTTP/1.1 100 Continue\r\n\r\n", None, nil, false, true, nil, false},
		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n", None, nil, false, true, nil, false},
		{"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", None, nil, false, true, nil, false},
		{"HTTP/1.0 in chunks", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", None, nil, false, true, nil, false},
		{"interrupted", ok, None, nil, false, true, (*Conn).Interrupt, false},
		{"taken over", ok, None, nil, false, true, func(c *Conn) { c.Takeover() }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn := New(&source{Reader: strings.NewReader(c.response)})
			if !conn.Reusable() {
				t.Fatal("a new connection is not reusable")
			}
			if _, err := conn.WriteHead(nil, c.frame); err != nil {
				t.Fatal(err)
			}
			write(conn, c.body, c.end)
			var r Response
			if err := conn.ReadHead(&r, "GET"); err != nil {
				t.Fatal(err)
			}
			if conn.Reusable() && r.Status == 200 {
				t.Error("reusable before the response's body is read")
			}
			if c.read {
				_, _ = io.ReadAll(reading{conn, &r})
			}
			if c.then != nil {
				c.then(conn)
			}
			if got := conn.Reusable(); got != c.want {
				t.Errorf("reusable %t, want %t", got, c.want)
			}
		})
	}
}

// reading reads a response's body.
type reading struct {
	c *Conn
	r *Response
}

func (r reading) Read(p []byte) (int, error) { return r.c.Read(r.r, p) }

// write writes the pieces of a body until one fails.
func write(c *Conn, pieces []string, end bool) {
	var w Window
	for _, p := range pieces {
		if c.WriteBody(&w, copy(w.Bytes(), p)) != nil {
			return
		}
	}
	if end {
		_ = c.EndBody()
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok":                                true,
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok":                                false,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n":     false,
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok":           false,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n":         false,
		"HTTP/1.1 204 No Content\r\n\r\n":                                               true,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n": false,
	} {
		c := New(&source{Reader: strings.NewReader(text)})
		if err := c.Send(nil, None, nil); err != nil {
			t.Fatal(err)
		}
		var r Response
		if err := c.ReadHead(&r, "GET"); err != nil {
			t.Fatal(err)
		}
		if c.Skip(&r); c.Reusable() != want {
			t.Errorf("%q: reusable %t, want %t", text, c.Reusable(), want)
		}
	}
}

// TestWritten writes requests that end early at any byte, and compares Reusable with the bytes written: all of the request is there.
func TestWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.StringMatching(`[a-z]{0,9}`), 0, 4).Draw(t, "pieces")
		whole := strings.Join(pieces, "")
		frame := rapid.SampledFrom([]Body{Chunked, Body(len(whole)), Body(len(whole)) + 1, Body(max(0, len(whole)-1))}).Draw(t, "frame")
		s := &source{Reader: strings.NewReader("HTTP/1.1 204 No Content\r\n\r\n"), failAt: rapid.IntRange(0, 120).Draw(t, "failAt")}
		c := New(s)
		if _, err := c.WriteHead(AppendField(AppendRequestLine(nil, "POST", "/", "h"), "transfer-encoding", "x"), frame); err == nil {
			write(c, pieces, rapid.Bool().Draw(t, "end"))
		}
		var r Response
		if err := c.ReadHead(&r, "POST"); err != nil {
			t.Fatal(err)
		}
		_, got, ok := strings.Cut(s.wrote.String(), "\r\n\r\n")
		if frame == Chunked {
			ok = ok && strings.HasSuffix(got, "0\r\n\r\n")
		} else {
			ok = ok && len(got) == int(frame)
		}
		if frame >= 0 && len(got) > int(frame) {
			t.Fatalf("%d bytes of body were written, %d announced", len(got), frame)
		}
		failed := s.failAt > 0 && s.wrote.Len() == s.failAt
		if c.Reusable() != ok && !failed || c.Reusable() && !ok {
			t.Fatalf("reusable %t, but the server got %q", c.Reusable(), s.wrote.String())
		}
		if strings.Contains(s.wrote.String(), "transfer-encoding") {
			t.Fatalf("a field frames the body: %q", s.wrote.String())
		}
	})
}
