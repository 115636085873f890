package proxy

import (
	"net"
	"time"

	"github.com/hopline/hopline/lab/internal/wire"
)

const defaultIdleTimeout = time.Hour // Envoy's

// conn is a connection to a host. The wire.Conn decides whether another request may use it.
type conn struct {
	*wire.Conn
	host      *host
	uses      int
	idleSince time.Time
}

func newConn(h *host, c net.Conn) *conn { return &conn{Conn: wire.New(c), host: h} }

// expired reports whether an idle connection is unusable: it was idle too long, or the other side has closed it or sent something
// unexpected. Only the caller of acquire checks this, so that an idle connection costs nothing.
func (c *conn) expired() bool {
	limit := c.host.cluster.Pool.IdleTimeout
	if limit <= 0 {
		limit = defaultIdleTimeout
	}
	return time.Since(c.idleSince) > limit || !c.Quiet()
}

// usedUp reports whether the connection has carried as many requests as the cluster's policy allows.
func (c *conn) usedUp() bool {
	limit := c.host.cluster.Pool.MaxRequestsPerConnection
	return limit > 0 && c.uses >= limit
}
