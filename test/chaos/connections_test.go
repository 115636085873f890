//go:build linux

package main

import (
	"net"
	"slices"
	"strings"
	"testing"
)

func TestSocketsRead(t *testing.T) {
	t.Parallel()
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 3
   3: 0100007F:1F90 0100007F:C351 06 00000000:00000000 00:00000000 00000000     0        0 4
`
	var s sockets
	if err := s.read(strings.NewReader(table), 8080); err != nil || s.listener != "17" || !slices.Equal(s.peers, []string{"0100007F:C350"}) {
		t.Errorf("%+v, %v; one is established, one closing, one listens, one is the other end", s, err)
	}
}

func TestSocketsOf(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	for want := range 4 {
		if s, err := socketsOf(address); len(s.peers) != want || s.listener == "" || err != nil {
			t.Errorf("%+v, %v; wanted a listener and %d connections", s, err, want)
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := socketsOf(address); s.listener != "" || err != nil {
		t.Errorf("%+v, %v; want no listener", s, err)
	}
}
