package main

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A server that stalls is slow for every request that falls due meanwhile, although only as many requests can be in flight as there are
// connections.
func TestPaceCountsFromWhenARequestWasDue(t *testing.T) {
	t.Parallel()
	stalled := make(chan struct{})
	var once sync.Once
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { time.AfterFunc(300*time.Millisecond, func() { close(stalled) }) }) // the stall begins with a request
		<-stalled
	}))
	defer s.Close()
	seen, err := pace(target{url: s.URL}, 4, 200, 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if seen.requests != 100 || len(seen.latency) != 100 {
		t.Fatalf("%d requests and %d times, want 100 of each", seen.requests, len(seen.latency))
	}
	slow := 0
	for _, l := range seen.latency {
		if l > 50*time.Millisecond {
			slow++
		}
	}
	if slow < 45 { // those due in the first 250 ms are 50
		t.Errorf("%d requests took over 50 ms, want 45 or more: %v", slow, seen.latency)
	}
}

func TestPressTellsOfFailures(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	seen, err := press(target{url: s.URL}, 2, 20*time.Millisecond)
	if err == nil || seen.failures == 0 || seen.failures != seen.requests {
		t.Errorf("%d of %d requests failed, error %v; want all, and an error", seen.failures, seen.requests, err)
	}
}
