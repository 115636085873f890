package proxy

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hopline/hopline/lab/internal/wire"
)

// switchProtocols joins the two connections once the upstream has accepted an upgrade. When one ends, both are closed. The rest of the
// request's body is sent to the upstream first.
func (x *exchange) switchProtocols() {
	if !x.upgrade {
		x.finish()
		x.flags |= flagProtocol
		x.respond(http.StatusBadGateway, garbage.text(x.attempts > 1))
		return
	}
	defer x.finish()
	x.senders.Wait()
	if !x.conn.Written() {
		x.broken = true
		return
	}
	down, rw, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		x.broken = true
		return
	}
	x.status, x.wrote = http.StatusSwitchingProtocols, true
	x.deadlines.release() // only its two ends can end it
	reader, up := x.conn.Takeover()
	down.SetDeadline(time.Time{})
	if _, err := io.WriteString(down, x.switched()); err == nil {
		x.sent = splice(side{rw.Reader, down}, side{reader, up}, false, x.proxy.ctx.Done())
	}
	down.Close()
}

// switched returns the head of the response that announces the new protocol to the caller. The route changes its headers as it changes
// those of any response. If it leaves no valid Upgrade, Envoy removes the two headers that concern the connection.
// (Envoy, source/common/http/conn_manager_utility.cc, mutateResponseHeaders)
func (x *exchange) switched() string {
	h := x.receivedHead()
	h["Connection"], h["Upgrade"] = []string{x.resp.Get("Connection")}, []string{x.resp.Get("Upgrade")}
	x.addRouteHeaders()
	if !wire.HasToken(h.Get("Connection"), "upgrade") || h.Get("Upgrade") == "" {
		delete(h, "Connection")
		delete(h, "Upgrade")
	}
	delete(h, "Content-Length") // of 0
	x.nameServer(h)
	if len(h["Date"]) == 0 {
		h["Date"] = []string{time.Now().UTC().Format(http.TimeFormat)}
	}
	var b strings.Builder
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = h.Write(&b) // a Builder returns no error
	b.WriteString("\r\n")
	return b.String()
}

// side is one end of a joined pair: bytes may have been buffered before.
type side = struct {
	io.Reader
	net.Conn
}

// splice copies in both directions until both sides have ended, or the proxy does, and returns how many bytes it wrote to a. With half, a
// side that has only stopped sending still receives from the other; without, the end of one side ends both.
func splice(a, b side, half bool, end <-chan struct{}) int64 {
	stopped := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-end:
			a.Conn.Close()
			b.Conn.Close()
		case <-stopped:
		}
	})
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		copyHalf(b, a, half)
	}()
	n := copyHalf(a, b, half)
	<-copied
	close(stopped)
	wg.Wait()
	return n
}

// copyHalf copies from one side to the other. After a clean end it closes only the write side of the other if half is set; otherwise it
// closes both.
func copyHalf(to, from side, half bool) int64 {
	n, err := io.Copy(to.Conn, from.Reader)
	if c, ok := to.Conn.(interface{ CloseWrite() error }); ok && half && err == nil && c.CloseWrite() == nil {
		return n
	}
	to.Conn.Close()
	from.Conn.Close()
	return n
}
