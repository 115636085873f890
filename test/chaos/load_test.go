//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// complete is a complete response.
const complete = "took (1 ms) front-amber --getRespondFrom--> http://middle/hops\ntook (0.006 ms) clock-prod at 2026-01-02T03:04:05Z\n"

func serve(t *testing.T, h http.HandlerFunc) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for want, h := range map[string]http.HandlerFunc{
		"": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, complete) },
		"503 no healthy upstream": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, "took (1 ms) front-amber --getRespondFrom--> http://middle/hops\nno healthy upstream")
		},
		"200 that lacks the time: hello": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") },
		"302 ":                           func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"connection closed":              func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"200, and the response was aborted: connection closed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, complete)
		},
	} {
		l := newLoad(serve(t, h), 1)
		if why := l.call(""); why != want && (want != "302 " || why[:4] != want) {
			t.Errorf("failed by %q, wanted %q", why, want)
		}
		l.client.CloseIdleConnections()
	}
	l := newLoad("http://127.0.0.1:1", 1) // nothing listens there
	if why := l.call(""); why != "connection refused" {
		t.Errorf("failed by %q", why)
	}
}

// TestOnce: a request whose reused connection breaks is not sent again.
func TestOnce(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	l := newLoad(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, complete)
	}), 1)
	first, second := l.call(""), l.call("")
	if first != "" || second != "connection closed" || calls.Load() != 2 {
		t.Errorf("%q, then %q after %d calls", first, second, calls.Load())
	}
}

// TestOpenModel: slow responses do not delay further requests, and each duration starts when the request was due.
func TestOpenModel(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	enough := make(chan struct{})
	l := newLoad(serve(t, func(w http.ResponseWriter, r *http.Request) {
		if seen.Add(1) == 50 {
			close(enough)
		}
		<-enough // there is no response before the last request has been sent
		fmt.Fprint(w, complete)
	}), 200)
	stop := l.start()
	<-enough
	outcomes := stop()
	if len(outcomes) < 50 || failures(outcomes) > 0 {
		t.Fatalf("%d requests, %d failed", len(outcomes), failures(outcomes))
	}
	if first := outcomes[0].took; first < 200*time.Millisecond {
		t.Errorf("the first request waited for 49 others, a quarter of a second, and has a duration of %v", first)
	}
	if len(stop()) != len(outcomes) {
		t.Error("stopped twice, other outcomes")
	}
}
