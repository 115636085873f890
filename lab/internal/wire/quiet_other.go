//go:build !unix

package wire

import "net"

// probe cannot find out here whether an idle connection is usable without waiting: a connection that the upstream closed while it was idle
// fails its next request. Services keep idle connections for longer than the proxy does, so that this happens only to a killed process.
type probe struct{}

func newProbe(net.Conn) *probe { return new(probe) }

func (*probe) isQuiet() bool { return true }
