package proxy

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultBodyIdle bounds how long a request with an incomplete body may go without a byte in either direction: Envoy's
	// stream_idle_timeout. (Istio disables that for streams that stay idle for long. Once a request is complete the proxy has no such limit
	// either.)
	defaultBodyIdle = 5 * time.Minute
	// lingering bounds how long a discarded body may still arrive, so that its sender reads the response first: Envoy's delayed_close_timeout.
	lingering = time.Second
)

// idle calls a function once no byte has arrived for a time.
type idle struct {
	limit time.Duration
	began time.Time
	call  func()
	last  atomic.Int64 // of the last byte, after began

	mu      sync.Mutex // held during the call of call, so that none happens after stop
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

// heard records a byte.
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

// linger bounds the time that the server waits for the rest of a request whose response is complete.
func linger(w http.ResponseWriter) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingering))
}
