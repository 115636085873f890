//go:build unix

package wire

import (
	"net"
	"syscall"
)

// quiet reports whether an idle connection is open with nothing to read. An upstream that closes idle connections, or whose process ends,
// would otherwise fail the next request. Envoy's event loop detects it in the same way.
func quiet(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Control(func(fd uintptr) { // not Read, which would apply a deadline of the last request
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK) // never waits: Go's sockets are non-blocking
		open = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
	})
	return err == nil && open
}
