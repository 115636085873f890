package proxy

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hopline/hopline/lab/internal/await"
	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
)

func TestRetryConditions(t *testing.T) {
	t.Parallel()
	const closes = "close"
	for _, c := range []struct {
		on     istio.RetryOn
		codes  []int
		answer string // what the upstream does: a status, with a header perhaps, or closes
		tries  int
	}{
		{istio.RetryOn5xx, nil, "500", 3},
		{istio.RetryOn5xx, nil, "599", 3},
		{istio.RetryOn5xx, nil, "409", 1},
		{istio.RetryOn5xx, nil, closes, 3},
		{istio.RetryOn5xx, nil, "503 x-envoy-ratelimited", 1},
		{istio.RetryOnGatewayError, nil, "500", 1},
		{istio.RetryOnGatewayError, nil, "502", 3},
		{istio.RetryOnGatewayError, nil, "504", 3},
		{istio.RetryOnGatewayError, nil, closes, 3},
		{istio.RetryOnReset, nil, closes, 3},
		{istio.RetryOnReset, nil, "503", 1},
		{istio.RetryOnResetBeforeRequest, nil, closes, 1},
		{istio.RetryOnConnectFailure, nil, closes, 1},
		{istio.RetryOnConnectFailure, nil, "503", 1},
		{istio.RetryOnRetriable4xx, nil, "409", 3},
		{istio.RetryOnRetriable4xx, nil, "404", 1},
		{istio.RetryOnRetriableStatusCodes, []int{404, 418}, "418", 3},
		{istio.RetryOnRetriableStatusCodes, []int{404, 418}, "503", 1},
		{istio.RetryOnEnvoyRatelimited, nil, "429 x-envoy-ratelimited", 3},
		{istio.RetryOnGRPCUnavailable | istio.RetryOnGRPCCancelled, nil, "200 grpc-status=14", 3},
		{istio.RetryOnGRPCUnavailable, nil, "200 grpc-status=1", 1},
		{istio.RetryOnGRPCUnavailable, nil, "503", 1},
		{0, nil, "503", 1},
	} {
		t.Run(fmt.Sprintf("%x %s", c.on, c.answer), func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			up := handle(t, func(w http.ResponseWriter, r *http.Request) {
				n := tries.Add(1)
				if r.Header.Get("x-envoy-attempt-count") != fmt.Sprint(n) {
					t.Errorf("try %d has the attempt count %s", n, r.Header.Get("x-envoy-attempt-count"))
				}
				if c.answer == closes {
					panic(http.ErrAbortHandler)
				}
				status, header, _ := strings.Cut(c.answer, " ")
				if k, v, _ := strings.Cut(header, "="); k != "" {
					w.Header().Set(k, cmp.Or(v, "true"))
				}
				var code int
				fmt.Sscan(status, &code)
				w.WriteHeader(code)
				fmt.Fprintf(w, "try %d", n)
			})
			route := routeTo(service("middle"))
			route.Retries = mesh.Retries{Attempts: 2, On: c.on, StatusCodes: c.codes, Backoff: time.Millisecond}
			b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up))
			a := b.get("http://middle/")
			if n := int(tries.Load()); n != c.tries {
				t.Errorf("%d tries, want %d", n, c.tries)
			}
			if c.answer != closes && a.body != fmt.Sprintf("try %d", c.tries) {
				t.Errorf("body %q: want that of the last try, %d", a.body, c.tries)
			}
		})
	}
}

func TestRetryFailureText(t *testing.T) {
	t.Parallel()
	closes := script(t, func(string) string { return "" })
	route := routeTo(service("middle"))
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", closes))
	const text = "upstream connect error or disconnect/reset before headers. "
	b.get("http://middle/").want(t, 503, text+"reset reason: connection termination")
	again := *route
	again.Retries = mesh.Retries{Attempts: 1, On: istio.RetryOn5xx, Backoff: time.Millisecond}
	b.proxy.Swap(toRoute(&again))
	b.get("http://middle/").want(t, 503, text+"retried and the latest reset reason: connection termination")
	b.setPods(podOf("middle", "middle-1", unused(t)))
	b.get("http://middle/").want(t, 503, text+"retried and the latest reset reason: remote connection failure")
}

// unused returns an address without a listener.
func unused(t testing.TB) string {
	s := serveOn(http.NotFoundHandler())
	s.Close()
	return s.Listener.Addr().String()
}

func TestRetrySendsTheBodyAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size, tries int
		chunked     bool
	}{{10, 3, false}, {10, 3, true}, {maxReplay, 3, false}, {maxReplay + 1, 1, false}, {3 * maxReplay, 1, true}} {
		t.Run(fmt.Sprint(c.size, c.chunked), func(t *testing.T) {
			t.Parallel()
			var tries atomic.Int32
			up := handle(t, func(w http.ResponseWriter, r *http.Request) {
				tries.Add(1)
				body, err := io.ReadAll(r.Body)
				if len(body) != c.size || strings.Trim(string(body), "x") != "" || err != nil {
					t.Errorf("body of %d bytes, %v: want %d", len(body), err, c.size)
				}
				w.WriteHeader(503)
			})
			route := routeTo(service("middle"))
			route.Retries = mesh.Retries{Attempts: 2, On: istio.RetryOn5xx, Backoff: time.Millisecond}
			b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up))
			var body io.Reader = strings.NewReader(strings.Repeat("x", c.size))
			if c.chunked {
				body = io.MultiReader(body)
			}
			b.do("POST", "http://middle/", body).want(t, 503, "")
			if n := int(tries.Load()); n != c.tries {
				t.Errorf("%d tries, want %d", n, c.tries)
			}
		})
	}
}

// TestRetryWhileTheBodyComes fails a try in the middle of a streamed body: the next try sends the beginning from memory and the rest as it
// arrives.
func TestRetryWhileTheBodyComes(t *testing.T) {
	t.Parallel()
	failed := make(chan bool)
	var tries atomic.Int32
	up := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) == 1 {
			io.ReadFull(r.Body, make([]byte, 5))
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
			}
			c.Close()
			close(failed)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})
	route := routeTo(service("middle"))
	route.Retries = mesh.Retries{Attempts: 1, On: istio.RetryOnReset, Backoff: time.Millisecond}
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up))
	body, w := io.Pipe()
	go func() {
		defer w.Close()
		io.WriteString(w, "begin")
		<-failed
		await.That(t, "the second try", func() bool { return tries.Load() == 2 })
		io.WriteString(w, " and end")
	}()
	b.do("POST", "http://middle/", body).want(t, 200, "begin and end")
}

func TestPerTryTimeout(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	up := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) < 3 {
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, r.Header.Get("x-envoy-expected-rq-timeout-ms"))
	})
	route := routeTo(service("middle"))
	route.Retries = mesh.Retries{Attempts: 5, PerTry: 50 * time.Millisecond, On: istio.RetryOn5xx, Backoff: time.Millisecond}
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up))
	b.get("http://middle/").want(t, 200, "50")
	tries.Store(-100)
	late := *route
	late.Timeout, late.Retries.Attempts = 120*time.Millisecond, 1000 // all tries together would take a minute
	b.proxy.Swap(toRoute(&late))
	start := time.Now()
	b.get("http://middle/").want(t, 504, "upstream request timeout")
	if took := time.Since(start); took < 120*time.Millisecond || took > 30*time.Second {
		t.Errorf("took %v, want the request's timeout of 120ms", took)
	}
}

// TestPerTryTimeoutIsForTheHead checks that the body of a response may take longer than a try's timeout.
func TestPerTryTimeoutIsForTheHead(t *testing.T) {
	t.Parallel()
	up := handle(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begin")
		http.NewResponseController(w).Flush()
		<-time.After(150 * time.Millisecond)
		io.WriteString(w, " and end")
	})
	route := routeTo(service("middle"))
	route.Retries = mesh.Retries{Attempts: 1, PerTry: 50 * time.Millisecond, On: istio.RetryOn5xx}
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up))
	b.get("http://middle/").want(t, 200, "begin and end")
}

func TestRetryPrefersOtherHosts(t *testing.T) {
	t.Parallel()
	sick := handle(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	well := handle(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })
	route := routeTo(service("middle"))
	route.Destinations[0].Cluster.Balancer = mesh.Random
	route.Retries = mesh.Retries{Attempts: 1, On: istio.RetryOn5xx, Backoff: time.Microsecond, OtherHosts: true}
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", sick), podOf("middle", "middle-2", well))
	// A retry chooses the sick host again only if chance does so six times: 1/2 · 1/64 of all requests fail.
	failed := 0
	const n = 2000
	for range n {
		if b.get("http://middle/").StatusCode != 200 {
			failed++
		}
	}
	within(t, "requests that failed", failed, n, 1.0/128)
}

func TestMaxRetries(t *testing.T) {
	t.Parallel()
	release := make(chan bool)
	var tries atomic.Int32
	up := handle(t, func(w http.ResponseWriter, r *http.Request) {
		tries.Add(1)
		if r.Header.Get("x-envoy-attempt-count") != "1" {
			<-release
		}
		w.WriteHeader(503)
	})
	route := routeTo(service("middle"))
	route.Destinations[0].Cluster.Pool.MaxRetries = 1
	route.Retries = mesh.Retries{Attempts: 1, On: istio.RetryOn5xx, Backoff: time.Millisecond}
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up))
	done := make(chan bool)
	go func() {
		b.get("http://middle/")
		close(done)
	}()
	await.That(t, "a retry under way", func() bool { return tries.Load() == 2 })
	b.get("http://middle/").want(t, 503, "")
	if n := tries.Load(); n != 3 {
		t.Errorf("%d tries, want 3: the second request must not be retried", n)
	}
	close(release)
	<-done
	b.get("http://middle/")
	if n := tries.Load(); n != 5 {
		t.Errorf("%d tries, want 5: the limit is free again", n)
	}
}

// TestCancelledRetries lets a timeout end a request while it waits for its next try: it no longer counts against the limit on retries.
func TestCancelledRetries(t *testing.T) {
	t.Parallel()
	up := handle(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	route := routeTo(service("middle"))
	route.Timeout = 20 * time.Millisecond
	route.Retries = mesh.Retries{Attempts: 1, On: istio.RetryOn5xx, Backoff: time.Hour}
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up))
	for range 3 {
		b.get("http://middle/").want(t, 504, "upstream request timeout")
	}
	if n := b.cluster(route.Destinations[0].Cluster).retries.Load(); n != 0 {
		t.Errorf("%d active retries without requests", n)
	}
}

func TestBackoffIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const base = 20 * time.Millisecond
		x := &exchange{ctx: t.Context(), retries: mesh.Retries{Backoff: base}}
		for i, bound := range []time.Duration{base, 2 * base, 4 * base, 8 * base, 10 * base, 10 * base} {
			x.attempts = i + 1
			longest := time.Duration(0)
			for range 200 { // none in the upper half by chance: 2⁻²⁰⁰
				start := time.Now()
				if f := x.backoff(); f != none {
					t.Fatalf("backoff: %v", f)
				}
				longest = max(longest, time.Since(start))
			}
			if longest >= bound || longest < bound/2 {
				t.Errorf("before try %d: up to %v, want up to %v", i+2, longest, bound)
			}
		}
		x.deadlines.deadline = time.Now().Add(time.Millisecond)
		x.retries.Backoff = time.Hour
		if f := x.backoff(); f != routeTimeout {
			t.Errorf("a backoff beyond the deadline: %v, want a timeout", f)
		}
	})
}
