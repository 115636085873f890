package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
)

const (
	// maxReplay bounds how much of a request's body is kept for another try and for mirrors, in bytes: Envoy's buffer limit. A request with a
	// larger body is still sent, but tried only once.
	maxReplay = 1 << 20
)

var errNotReplayable = errors.New("the body is no longer kept")

// requestBody streams a request's body to one try after another and keeps what it has read, up to maxReplay. One try reads at a time. An
// older try may still be blocked in a read when the next one begins; the next one then waits for the result of that read.
type requestBody struct {
	mu      sync.Mutex
	changed sync.Cond
	from    io.Reader
	kept    []byte
	base    int64 // of kept[0] in the body: above 0 once the beginning is no longer kept
	reading bool
	err     error // io.EOF at the end
	idle    *idle // measures how long no byte arrives
	onEnd   func(whole []byte, kept bool)
}

// newRequestBody wraps a body. It watches idle until the body's end. The goroutine that reads the last byte calls onEnd, with the body if
// all of it was kept.
func newRequestBody(from io.Reader, idle *idle, onEnd func(whole []byte, kept bool)) *requestBody {
	b := &requestBody{from: from, idle: idle, onEnd: onEnd}
	b.changed.L = &b.mu
	return b
}

// next copies into p what follows at a position of the body, as much as p holds.
func (b *requestBody) next(at int64, p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if at < b.base {
			return 0, errNotReplayable
		}
		if have := b.base + int64(len(b.kept)) - at; have > 0 {
			return copy(p, b.kept[at-b.base:]), nil
		}
		if b.err != nil {
			return 0, b.err
		}
		if !b.reading {
			return b.read(p)
		}
		b.changed.Wait()
	}
}

// read reads more of the body into p and into kept. The caller holds b.mu and is at the end of what has been read.
func (b *requestBody) read(p []byte) (int, error) {
	b.reading = true
	b.mu.Unlock()
	n, err := b.from.Read(p)
	b.idle.heard()
	b.mu.Lock()
	b.reading = false
	if len(b.kept)+n > maxReplay || b.base > 0 {
		b.base += int64(len(b.kept) + n)
		b.kept = nil
	} else {
		b.kept = append(b.kept, p[:n]...)
	}
	if err != nil {
		b.err = err
		b.idle.stop()
		if err == io.EOF {
			b.onEnd(b.kept, b.base == 0)
		}
	}
	b.changed.Broadcast()
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// replayable reports whether another try can send the body from its beginning.
func (b *requestBody) replayable() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.base == 0 && (b.err == nil || errors.Is(b.err, io.EOF))
}

// failed returns the error that ended the body before its end.
func (b *requestBody) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if errors.Is(b.err, io.EOF) {
		return nil
	}
	return b.err
}

// failure returns why the body ended before its end.
func (b *requestBody) failure() failure {
	err := b.failed()
	var network net.Error
	switch {
	case b.idle.over():
		return stalled
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network):
		return clientGone
	}
	return malformed
}

// broken reports whether the body ended before its end, or was given up.
func (b *requestBody) broken() bool { return b.failed() != nil || b.idle.over() }

// whole reports whether all of the body has been read.
func (b *requestBody) whole() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Is(b.err, io.EOF)
}

// size returns how much of the body has been read, in bytes.
func (b *requestBody) size() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.base + int64(len(b.kept))
}

// over reports whether no more of the body can be read.
func (b *requestBody) over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err != nil
}
