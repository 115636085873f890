//go:build linux

package main

import (
	"net"
	"strings"
	"testing"
)

func TestEstablished(t *testing.T) {
	t.Parallel()
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 3
   3: 0100007F:1F90 0100007F:C351 06 00000000:00000000 00:00000000 00000000     0        0 4
`
	if n, err := established(strings.NewReader(table), 8080); n != 1 || err != nil {
		t.Errorf("%d connections, %v; one is established, one closing, one listens, one is the other end", n, err)
	}
}

func TestConnections(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for want := range 4 {
		if n, err := connections(listener.Addr().String()); n != want || err != nil {
			t.Errorf("%d connections, %v; wanted %d", n, err, want)
		}
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
}
