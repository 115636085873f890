//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
)

// sockets holds the kernel's data on one loopback port.
type sockets struct {
	listener string   // the inode of the listening socket, or empty
	peers    []string // the remote ends of the established TCP connections to the port
}

// socketsOf returns the sockets of an address's port.
func socketsOf(address string) (s sockets, err error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return s, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return s, err
	}
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		file, err := os.Open(name)
		if os.IsNotExist(err) && name == "/proc/net/tcp6" { // there is no IPv6 here
			continue
		}
		if err != nil {
			return s, err
		}
		err = s.read(file, number)
		_ = file.Close() // it was only read
		if err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, nil
}

// read adds the lines of /proc/net/tcp with the given local port: of state 0A, which listens, and of state 01, which is established. The
// other end of the same connection has the port as its remote one.
func (s *sockets) read(table io.Reader, port int) error {
	suffix := fmt.Sprintf(":%04X", port)
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || !strings.HasSuffix(fields[1], suffix) {
			continue
		}
		switch fields[3] {
		case "0A":
			s.listener = fields[9]
		case "01":
			s.peers = append(s.peers, fields[2])
		}
	}
	return lines.Err()
}
