package proxy

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"time"
)

// waiter is a request that waits for a connection because the cluster has reached its limit.
type waiter struct {
	ready chan *conn // receives the connection, or nil: the request opens its own
}

const defaultConnectTimeout = 10 * time.Second // Istio's

// acquire returns a connection to the host: an idle one, a new one or, where the cluster has reached its limit on connections, the next one
// that is free. A host may always have one connection, as with Envoy. The limits count like Envoy's circuit breakers: a request is pending
// while it has no connection.
func (h *host) acquire(ctx context.Context, deadline time.Time) (*conn, failure) {
	k := h.cluster
	k.mu.Lock()
	for len(h.idle) > 0 {
		c := h.idle[len(h.idle)-1]
		h.idle = h.idle[:len(h.idle)-1]
		if c.expired() {
			h.open--
			k.connections--
			k.mu.Unlock()
			c.Close()
			k.mu.Lock()
			continue
		}
		if !k.admit() {
			h.idle = append(h.idle, c)
			k.mu.Unlock()
			return nil, overflow
		}
		k.mu.Unlock()
		return c, none
	}
	if k.Pool.MaxPending > 0 && k.pending >= k.Pool.MaxPending {
		k.mu.Unlock()
		return nil, overflow
	}
	k.pending++
	if k.Pool.MaxConnections > 0 && k.connections >= k.Pool.MaxConnections && h.open > 0 {
		w := &waiter{ready: make(chan *conn, 1)}
		h.waiting = append(h.waiting, w)
		k.mu.Unlock()
		c, f := h.wait(ctx, deadline, w)
		if c != nil || f != none {
			return c, f
		}
	} else {
		k.connections++
		h.open++
		k.mu.Unlock()
	}
	return h.dial(ctx, deadline)
}

// admit counts a request that has a connection. It returns false if there are too many. The caller holds k.mu.
func (k *cluster) admit() bool {
	if k.Pool.MaxRequests > 0 && k.requests >= k.Pool.MaxRequests {
		return false
	}
	k.requests++
	return true
}

// wait waits for a connection. If it returns neither a connection nor a failure, the request opens its own, which is counted already.
func (h *host) wait(ctx context.Context, deadline time.Time, w *waiter) (*conn, failure) {
	var timeout <-chan time.Time
	if !deadline.IsZero() {
		t := time.NewTimer(time.Until(deadline))
		defer t.Stop()
		timeout = t.C
	}
	f := none
	select {
	case c := <-w.ready:
		return h.attach(c)
	case <-ctx.Done():
		f = clientGone
	case <-timeout:
		f = routeTimeout
	}
	k := h.cluster
	k.mu.Lock()
	i := slices.Index(h.waiting, w)
	if i >= 0 {
		h.waiting = slices.Delete(h.waiting, i, i+1)
		k.pending--
		k.mu.Unlock()
		return nil, f
	}
	k.mu.Unlock()
	// A connection arrived at the same moment: the next request may have it.
	if c := <-w.ready; c != nil {
		if c, g := h.attach(c); g == none {
			h.release(c)
		}
	} else {
		k.mu.Lock()
		k.pending--
		h.drop()
		k.mu.Unlock()
	}
	return nil, f
}

// attach ends the wait of a request that has received its connection.
func (h *host) attach(c *conn) (*conn, failure) {
	if c == nil {
		return nil, none
	}
	k := h.cluster
	k.mu.Lock()
	k.pending--
	ok := k.admit()
	if ok {
		k.mu.Unlock()
		return c, none
	}
	keep := h.park(c)
	k.mu.Unlock()
	if !keep {
		c.Close()
	}
	return nil, overflow
}

// dial opens a connection. The connection and the pending request are counted already.
func (h *host) dial(ctx context.Context, deadline time.Time) (*conn, failure) {
	k := h.cluster
	limit := k.Pool.ConnectTimeout
	if limit <= 0 {
		limit = defaultConnectTimeout
	}
	connectBy := time.Now().Add(limit)
	expires := connectTimeout
	if !deadline.IsZero() && deadline.Before(connectBy) {
		connectBy, expires = deadline, routeTimeout
	}
	d := net.Dialer{Deadline: connectBy, KeepAlive: -1}
	nc, err := d.DialContext(ctx, "tcp", h.address)
	k.mu.Lock()
	k.pending--
	var f failure
	switch {
	case err == nil && !k.admit():
		f = overflow
	case err == nil:
		k.mu.Unlock()
		return newConn(h, nc), none
	case ctx.Err() != nil:
		f = clientGone
	case errors.Is(err, os.ErrDeadlineExceeded) || isTimeout(err):
		f = expires
	default:
		f = connectFailed
	}
	if nc != nil {
		c := newConn(h, nc)
		if !h.park(c) {
			nc.Close()
		}
	} else {
		h.drop()
	}
	k.mu.Unlock()
	return nil, f
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// release returns a connection to the pool once its request has ended, with or without success.
func (h *host) release(c *conn) {
	k := h.cluster
	c.uses++
	k.mu.Lock()
	k.requests--
	kept := h.park(c)
	k.mu.Unlock()
	if !kept {
		c.Close()
	}
}

// park keeps a connection for the next request, or gives it to one that waits. It returns false if the connection cannot be reused, or is
// not needed, and must be closed. The caller holds cluster.mu. Connections return to the pool only here.
func (h *host) park(c *conn) bool {
	if !c.Reusable() || c.usedUp() {
		h.drop()
		return false
	}
	if len(h.waiting) > 0 {
		w := h.waiting[0]
		h.waiting = slices.Delete(h.waiting, 0, 1)
		w.ready <- c
		return true
	}
	if h.removed || h.cluster.closed {
		h.drop()
		return false
	}
	c.idleSince = time.Now()
	h.idle = append(h.idle, c)
	return true
}

// drop uncounts a connection. If a request waits, it may open another instead. The caller holds cluster.mu.
func (h *host) drop() {
	if len(h.waiting) > 0 {
		w := h.waiting[0]
		h.waiting = slices.Delete(h.waiting, 0, 1)
		w.ready <- nil
		return
	}
	h.open--
	h.cluster.connections--
}
