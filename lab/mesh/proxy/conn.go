package proxy

import (
	"net"
	"time"

	"github.com/hopline/hopline/lab/mesh/proxy/wire"
)

const defaultIdleTimeout = time.Hour // Envoy's

// conn is a connection to a host. Whether another request may have it is the wire.Conn's to say.
type conn struct {
	*wire.Conn
	host      *host
	uses      int
	idleSince time.Time
}

func newConn(h *host, c net.Conn) *conn { return &conn{Conn: wire.New(c), host: h} }

// expired is whether an idle connection is of no more use: it idled too long, or the other side has closed it or said something
// that nobody asked for. Only the caller of acquire looks, so that an idle connection costs nothing.
func (c *conn) expired() bool {
	limit := c.host.cluster.Pool.IdleTimeout
	if limit <= 0 {
		limit = defaultIdleTimeout
	}
	return time.Since(c.idleSince) > limit || !c.Quiet()
}

// usedUp is whether the connection has carried as many requests as the cluster's policy lets it.
func (c *conn) usedUp() bool {
	limit := c.host.cluster.Pool.MaxRequestsPerConnection
	return limit > 0 && c.uses >= limit
}
