package body

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hopline/hopline/pkg/answer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server on loopback with a time limit for bodies. /read reads a body, /ignore does not, and /outlast reads it and then
// takes longer than the limit.
func serve(t *testing.T, within time.Duration) string {
	t.Helper()
	mux := http.NewServeMux()
	read := func(w http.ResponseWriter, r *http.Request) bool {
		var slow *TimeoutError
		n, err := io.Copy(io.Discard, r.Body)
		switch {
		case errors.As(err, &slow):
			answer.Text(w, http.StatusRequestTimeout, slow.Error())
		case err != nil:
			answer.Text(w, http.StatusBadRequest, err.Error())
		case n == 0:
			answer.Text(w, http.StatusBadRequest, "nothing came")
		}
		return err == nil && n > 0
	}
	mux.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		if read(w, r) {
			answer.Text(w, http.StatusOK, "read")
		}
	})
	mux.HandleFunc("/ignore", func(w http.ResponseWriter, _ *http.Request) { answer.Text(w, http.StatusOK, "ignored") })
	mux.HandleFunc("/outlast", func(w http.ResponseWriter, r *http.Request) {
		if !read(w, r) {
			return
		}
		select {
		case <-time.After(within + within/2):
			answer.Text(w, http.StatusOK, "outlasted")
		case <-r.Context().Done():
			answer.Text(w, http.StatusInternalServerError, context.Cause(r.Context()).Error())
		}
	})
	s := httptest.NewServer(Limit(within, mux))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// send writes the beginning of a request and then pieces one by one, with a pause before each. It returns the responses up to the end of
// the connection.
func send(t *testing.T, address, begin string, pause time.Duration, pieces ...string) []string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, begin); err != nil {
		t.Fatal(err)
	}
	go func() {
		for _, piece := range pieces {
			<-time.After(pause)
			if _, err := io.WriteString(conn, piece); err != nil {
				return // the server has closed the connection
			}
		}
	}()
	var got []string
	for in := bufio.NewReader(conn); ; {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return got
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		got = append(got, fmt.Sprintf("%d %s", resp.StatusCode, strings.TrimSpace(string(text))))
	}
}

// TestSlow: a body that is missing or incomplete ends the request and the connection, whether its handler reads it or not.
func TestSlow(t *testing.T) {
	t.Parallel()
	const within = 300 * time.Millisecond
	trickle := strings.Split(strings.Repeat("x", 1000), "")
	for name, c := range map[string]struct {
		begin  string
		pieces []string
		want   string
	}{
		"nothing":            {"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", nil, "408 the body did not arrive within 300ms"},
		"a half":             {"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", nil, "408 the body did not arrive within 300ms"},
		"a trickle":          {"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", trickle, "408 the body did not arrive within 300ms"},
		"a chunk":            {"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", nil, "408 the body did not arrive within 300ms"},
		"nothing, not read":  {"POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", nil, "200 ignored"},
		"a chunk, not read":  {"POST /ignore HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", nil, "200 ignored"},
		"a GET with a body":  {"GET /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", trickle, "200 ignored"},
		"promised, not sent": {"POST /read HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n", nil, "100  408 the body did not arrive within 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			got := send(t, serve(t, within), c.begin, 10*time.Millisecond, c.pieces...)
			if strings.Join(got, " ") != c.want {
				t.Errorf("responses %q, wanted %q", got, c.want)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("the connection was held for %v", took)
			}
		})
	}
}

// TestInTime: the limit is for the body only. A body that arrives in time is read, its handler may take longer, and the connection serves
// the next request.
func TestInTime(t *testing.T) {
	t.Parallel()
	const within = 2 * time.Second
	next := "GET /ignore HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for name, c := range map[string]struct{ begin, rest, want string }{
		"in two pieces":     {"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nha", "lf" + next, "200 read 200 ignored"},
		"in chunks":         {"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nha\r\n", "2\r\nlf\r\n0\r\n\r\n" + next, "200 read 200 ignored"},
		"a slow handler":    {"POST /outlast HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nhalf", next, "200 outlasted 200 ignored"},
		"a slow last one":   {"POST /outlast HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nha", "lf", "200 outlasted"},
		"a slow one, later": {"POST /outlast HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nha", "lf" + next, "200 outlasted 200 ignored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := send(t, serve(t, within), c.begin, 100*time.Millisecond, c.rest); strings.Join(got, " ") != c.want {
				t.Errorf("responses %q, wanted %q", got, c.want)
			}
		})
	}
}
