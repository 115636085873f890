package up

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// listenPort is a port that the lab opens for the user.
type listenPort struct {
	what   string // "the ingress gateway"
	port   int    // 0: any free one
	remedy string // when it is taken: "--ingress-port takes another"
}

// checkHost says at once what would otherwise be said of every port.
func checkHost(host string) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return fmt.Errorf("--listen %s: want an address of this machine: %w", host, systemError(err))
	}
	return listener.Close()
}

// open listens on all doors of a host, in their order, or on none: the error has one line for each that cannot be opened.
func open(host string, ports []listenPort) ([]net.Listener, error) {
	var listeners []net.Listener
	var problems []error
	for _, p := range ports {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p.port)))
		if err != nil {
			problems = append(problems, p.problem(host, err))
			continue
		}
		listeners = append(listeners, listener)
	}
	if len(problems) > 0 {
		for _, l := range listeners {
			_ = l.Close()
		}
		return nil, errors.Join(problems...)
	}
	return listeners, nil
}

// problem says which port could not be had, for what, and what to do about it.
func (p listenPort) problem(host string, err error) error {
	why := systemError(err).Error()
	if isAddressInUse(err) {
		why = "already in use by another program"
	}
	return fmt.Errorf("port %d on %s, for %s: %s; %s", p.port, host, p.what, why, p.remedy)
}

// systemError is an error of net without its address, which the message that it stands in names.
func systemError(err error) error {
	var system *net.OpError
	if errors.As(err, &system) {
		return system.Err
	}
	return err
}

// localURL is how the user reaches a listener: by localhost where that leads to it.
func localURL(host string, l net.Listener) string {
	address := l.Addr().(*net.TCPAddr)
	name := host
	if address.IP.IsLoopback() || address.IP.IsUnspecified() {
		name = "localhost"
	}
	return "http://" + net.JoinHostPort(name, strconv.Itoa(address.Port))
}
