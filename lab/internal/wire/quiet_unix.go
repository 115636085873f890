//go:build unix

package wire

import (
	"net"
	"syscall"
)

// probe finds out whether an idle connection is open with nothing to read. An upstream that closes idle connections, or whose process ends,
// would otherwise fail the next request. Envoy's event loop detects it in the same way.
type probe struct {
	raw   syscall.RawConn // nil: the connection has none
	look  func(fd uintptr)
	b     [1]byte
	quiet bool
}

func newProbe(c net.Conn) *probe {
	p := new(probe)
	p.look = p.peek
	if sc, ok := c.(syscall.Conn); ok {
		p.raw, _ = sc.SyscallConn() // it fails only for an invalid connection
	}
	return p
}

// isQuiet reports whether the connection is usable. Without a descriptor it returns true.
func (p *probe) isQuiet() bool {
	if p.raw == nil {
		return true
	}
	p.quiet = false
	err := p.raw.Control(p.look) // not Read, which would apply a deadline of the last request
	return err == nil && p.quiet
}

func (p *probe) peek(fd uintptr) {
	_, _, err := syscall.Recvfrom(int(fd), p.b[:], syscall.MSG_PEEK) // never waits: Go's sockets are non-blocking
	p.quiet = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
}
