package proxy

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// switchProtocols joins the two connections once the upstream has accepted an upgrade. They end together.
func (x *exchange) switchProtocols() {
	up := x.conn
	if !x.upgrade {
		x.finish(false)
		x.resp.done = true
		x.flags |= flagProtocol
		x.answer(http.StatusBadGateway, garbage.text(x.attempts > 1))
		return
	}
	down, rw, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		x.finish(false)
		x.broken = true
		return
	}
	x.status, x.wrote = http.StatusSwitchingProtocols, true
	x.expireNot(up, down)
	var b strings.Builder
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	for _, f := range x.resp.fields {
		if f.name != "Server" {
			b.WriteString(f.name + ": " + f.value + "\r\n")
		}
	}
	b.WriteString("Server: " + serverName + "\r\n\r\n")
	if _, err := io.WriteString(down, b.String()); err == nil {
		x.sent = splice(struct {
			io.Reader
			net.Conn
		}{rw.Reader, down}, struct {
			io.Reader
			net.Conn
		}{up.r, up.Conn}, x.proxy.ctx.Done())
	}
	down.Close()
	x.finish(false)
}

// expireNot clears deadlines: an upgraded connection lives as long as its ends.
func (x *exchange) expireNot(up *conn, down net.Conn) {
	x.mu.Lock()
	x.conn = nil // nothing interrupts it but its ends
	x.mu.Unlock()
	up.SetDeadline(time.Time{})
	down.SetDeadline(time.Time{})
	x.mu.Lock()
	x.conn = up
	x.mu.Unlock()
}

// side is one end of a joined pair: what is read may have been buffered before.
type side = struct {
	io.Reader
	net.Conn
}

// splice copies both ways until one side ends, or the proxy does, and returns how many bytes went to a. A side that has only stopped sending still
// gets what the other says.
func splice(a, b side, end <-chan struct{}) int64 {
	stopped := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-end:
			a.Conn.SetDeadline(past)
			b.Conn.SetDeadline(past)
		case <-stopped:
		}
	})
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		copyHalf(b, a)
	}()
	n := copyHalf(a, b)
	<-copied
	close(stopped)
	wg.Wait()
	return n
}

// copyHalf copies from one side to the other. After a clean end the other is told that no more comes; after an error it is closed.
func copyHalf(to, from side) int64 {
	n, err := io.Copy(to.Conn, from.Reader)
	if half, ok := to.Conn.(interface{ CloseWrite() error }); ok && err == nil {
		half.CloseWrite()
		return n
	}
	to.Conn.Close()
	from.Conn.Close()
	return n
}
