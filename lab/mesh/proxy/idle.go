package proxy

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultBodyIdle is how long a request whose body is not whole may go without a byte in either direction: Envoy's stream_idle_timeout. (Istio
	// sets that to none, for streams that idle for long; once a request is whole the proxy has none either.)
	defaultBodyIdle = 5 * time.Minute
	// lingering is how long a body that nobody wants may still come, so that its sender reads the response first: Envoy's delayed_close_timeout.
	lingering = time.Second
)

// idle calls a function once there has been no byte for a time.
type idle struct {
	limit time.Duration
	began time.Time
	call  func()
	last  atomic.Int64 // of the last byte, after began

	mu      sync.Mutex // held while call is called, so that it never is after stop
	timer   *time.Timer
	stopped bool
	called  bool
}

func newIdle(limit time.Duration, call func()) *idle {
	i := &idle{limit: limit, began: time.Now(), call: call}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.timer = time.AfterFunc(limit, i.check)
	return i
}

// heard notes a byte.
func (i *idle) heard() { i.last.Store(int64(time.Since(i.began))) }

// stop ends the watch.
func (i *idle) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopped = true
	i.timer.Stop()
}

// over reports whether the function was called.
func (i *idle) over() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.called
}

func (i *idle) check() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stopped {
		return
	}
	if left := i.limit - time.Since(i.began) + time.Duration(i.last.Load()); left > 0 {
		i.timer.Reset(left)
		return
	}
	i.called = true
	i.call()
}

// linger bounds the time that the server waits for the rest of a request whose response is made.
func linger(w http.ResponseWriter) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingering))
}
