package proxy

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/await"
	"github.com/hopline/hopline/lab/internal/wire"
	"github.com/hopline/hopline/lab/mesh"
)

// gate is an upstream whose requests wait until the test opens it; it counts them and their connections.
type gate struct {
	address string
	open    chan bool
	waiting atomic.Int32
	total   atomic.Int32
	mu      sync.Mutex
	conns   map[string]int
}

func newGate(t testing.TB) *gate {
	g := &gate{open: make(chan bool), conns: map[string]int{}}
	g.address = handle(t, func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		g.conns[r.RemoteAddr]++
		g.mu.Unlock()
		g.total.Add(1)
		g.waiting.Add(1)
		defer g.waiting.Add(-1)
		select {
		case <-g.open:
		case <-r.Context().Done():
		}
	})
	return g
}

func (g *gate) connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// start sends n requests concurrently and sends their statuses to the channel.
func (b *bench) start(n int, target string) chan int {
	out := make(chan int, n)
	for range n {
		go func() {
			res, err := b.client.Get(target)
			if err != nil {
				out <- 0
				return
			}
			res.Body.Close()
			out <- res.StatusCode
		}()
	}
	return out
}

const overflowText = "upstream connect error or disconnect/reset before headers. reset reason: overflow"

func TestMaxRequests(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	c := service("middle")
	c.Pool.MaxRequests = 2
	b := newBench(t, Options{}, toRoute(routeTo(c)), podOf("middle", "middle-1", g.address))
	statuses := b.start(2, "http://middle/")
	await.That(t, "two requests in flight", func() bool { return g.waiting.Load() == 2 })
	a := b.get("http://middle/")
	a.want(t, 503, overflowText)
	if a.Header.Get("x-envoy-overloaded") != "true" {
		t.Error("no x-envoy-overloaded")
	}
	close(g.open)
	for range 2 {
		if s := <-statuses; s != 200 {
			t.Errorf("status %d, want 200", s)
		}
	}
	b.get("http://middle/").want(t, 200, "")
}

func TestMaxConnectionsAndPending(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	c := service("middle")
	c.Pool.MaxConnections, c.Pool.MaxPending = 1, 1
	b := newBench(t, Options{}, toRoute(routeTo(c)), podOf("middle", "middle-1", g.address))
	first := b.start(1, "http://middle/")
	await.That(t, "one request in flight", func() bool { return g.waiting.Load() == 1 })
	second := b.start(1, "http://middle/")
	k := b.cluster(c)
	await.That(t, "one request pending", func() bool { k.mu.Lock(); defer k.mu.Unlock(); return k.pending == 1 })
	b.get("http://middle/").want(t, 503, overflowText)
	close(g.open)
	if s, u := <-first, <-second; s != 200 || u != 200 {
		t.Errorf("statuses %d and %d, want 200", s, u)
	}
	if n := g.connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pending != 0 || k.requests != 0 || k.connections != 1 {
		t.Errorf("without requests: %d pending, %d requests, %d connections, want 0, 0, 1", k.pending, k.requests, k.connections)
	}
}

// cluster returns front-1's view of a cluster.
func (b *bench) cluster(c *mesh.Cluster) *cluster {
	b.proxy.mu.Lock()
	defer b.proxy.mu.Unlock()
	return b.proxy.pods["front-1"].cluster(b.proxy.state.Load(), c)
}

func TestPendingRequestsGiveUp(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	c := service("middle")
	c.Pool.MaxConnections = 1
	route := routeTo(c)
	route.Timeout = 150 * time.Millisecond
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", g.address))
	statuses := b.start(3, "http://middle/")
	for range 3 { // one has the connection, two wait for it: all exceed the timeout
		if s := <-statuses; s != 504 {
			t.Errorf("status %d, want 504", s)
		}
	}
	close(g.open)
	b.get("http://middle/").want(t, 200, "")
}

func TestPendingRequestsOpenTheirOwn(t *testing.T) {
	t.Parallel()
	closes := script(t, func(string) string {
		return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n\x00close"
	})
	c := service("middle")
	c.Pool.MaxConnections = 1
	b := newBench(t, Options{}, toRoute(routeTo(c)), podOf("middle", "middle-1", closes))
	const n = 50
	statuses := b.start(n, "http://middle/")
	for range n { // each closes the connection that the next has waited for
		if s := <-statuses; s != 200 {
			t.Errorf("status %d, want 200", s)
		}
	}
}

func TestMaxRequestsPerConnection(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	close(g.open)
	c := service("middle")
	c.Pool.MaxRequestsPerConnection = 3
	b := newBench(t, Options{}, toRoute(routeTo(c)), podOf("middle", "middle-1", g.address))
	for range 9 {
		b.get("http://middle/").want(t, 200, "")
	}
	if n := g.connections(); n != 3 {
		t.Errorf("9 requests on %d connections, want 3", n)
	}
}

func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := service("middle")
	c.Pool.ConnectTimeout = time.Nanosecond // a timeout that has already passed: any other connect to loopback may succeed in time
	b := newBench(t, Options{}, toRoute(routeTo(c)), podOf("middle", "middle-1", l.Addr().String()))
	b.get("http://middle/").want(t, 503, "upstream connect error or disconnect/reset before headers. reset reason: connection timeout")
}

// TestIdleConnectionsThatDied lets the upstream close idle connections, as a restarting service does: the next request detects it and opens
// another. (On systems that cannot detect it, see wire/quiet_other.go, there is nothing to test.)
func TestIdleConnectionsThatDied(t *testing.T) {
	t.Parallel()
	if c1, c2 := net.Pipe(); !wire.New(c1).Quiet() {
		t.Fatal("this system cannot detect a closed connection")
	} else {
		c1.Close()
		c2.Close()
	}
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address()))
	for range 20 {
		b.get("http://middle/").want(t, 200, "middle / ")
		up.CloseClientConnections()
	}
}

// TestNoSilentRetry checks a known behaviour of net/http: a request on a reused connection, which the upstream closes without a response,
// must not be sent again silently.
func TestNoSilentRetry(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	up := script(t, func(string) string {
		if hits.Add(1)%2 == 1 {
			return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
		}
		return ""
	})
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up))
	for i := range 10 {
		a := b.get("http://middle/")
		if want := 200 + i%2*303; a.StatusCode != want {
			t.Errorf("request %d: %d, want %d", i, a.StatusCode, want)
		}
	}
	if hits.Load() != 10 {
		t.Errorf("%d requests at the upstream, want 10", hits.Load())
	}
}

// TestRollingRestart replaces pods under load, in the lab's order: a new pod is ready, the old one leaves the endpoints, and it is stopped
// once the requests that had begun by then have ended. No request fails. (The number of other requests that end in the meantime is no
// measure for this: on a busy machine a request may have chosen the old endpoint without being sent yet.)
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))))
	type running struct {
		pod    mesh.Pod
		server *http.Server
	}
	start := func(i int) running {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
		go s.Serve(l)
		return running{podOf("middle", fmt.Sprint("middle-", i), l.Addr().String()), s}
	}
	old := start(0)
	b.setPods(old.pod)
	stop := make(chan bool)
	var wg sync.WaitGroup
	var failed atomic.Int32
	var sent [4]atomic.Int32 // by each caller
	for i := range sent {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				res, err := b.client.Post("http://middle/", "text/plain", nil)
				sent[i].Add(1)
				if err != nil || res.StatusCode != 200 {
					failed.Add(1)
				}
				if err == nil {
					res.Body.Close()
				}
			}
		})
	}
	more := func(n int32) { // each caller has n more requests behind it
		t.Helper()
		var before [len(sent)]int32
		for i := range sent {
			before[i] = sent[i].Load()
		}
		for i := range sent {
			await.That(t, fmt.Sprintf("caller %d's requests", i), func() bool { return sent[i].Load() >= before[i]+n })
		}
	}
	for i := 1; i <= 8; i++ {
		next := start(i)
		b.setPods(old.pod, next.pod)
		more(5)
		gone := old.pod
		gone.Ready = false
		b.setPods(gone, next.pod)
		more(1) // the requests that had begun when the endpoint left have ended; a request that begins now does not choose it
		if err := old.server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		b.setPods(next.pod)
		old = next
	}
	close(stop)
	wg.Wait()
	old.server.Close()
	if failed.Load() > 0 {
		t.Errorf("%d requests failed", failed.Load())
	}
}

// TestSwapUnderLoad swaps the whole table while requests are in flight.
func TestSwapUnderLoad(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, toRoute(routeTo(service("middle"))), podOf("middle", "middle-1", up.address()))
	stop := make(chan bool)
	var wg sync.WaitGroup
	var sent, failed atomic.Int32
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				res, err := b.client.Get("http://middle/")
				sent.Add(1)
				if err != nil || res.StatusCode != 200 {
					failed.Add(1)
				}
				if err == nil {
					res.Body.Close()
				}
			}
		})
	}
	for i := range 60 {
		c := service("middle")
		c.Pool.MaxRequestsPerConnection = i % 3 * 1000 // sometimes another policy, sometimes only another table
		b.proxy.Swap(toRoute(routeTo(c)))
		before := sent.Load()
		await.That(t, "a request", func() bool { return sent.Load() > before })
	}
	close(stop)
	wg.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), sent.Load())
	}
	for _, c := range b.proxy.pods {
		if n := len(c.clusters); n > 1 {
			t.Errorf("%d clusters are kept, want 1", n)
		}
	}
}
