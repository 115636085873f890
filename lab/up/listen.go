package up

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/hopline/hopline/lab/collector"
	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/internal/usage"
)

// listenPort describes a port that the lab opens for the user.
type listenPort struct {
	what    string // "the ingress gateway"
	port    int    // 0: any free one
	remedy  string // what to do if it is in use: "--ingress-port sets another one"
	console bool   // if it is in use, it may be the console of another lab
}

// check reports invalid options. The error is one of package usage.
func (o Options) check() error {
	problems := []error{checkHost(o.Host)}
	if err := collector.CheckForward(o.Forward); err != nil {
		problems = append(problems, fmt.Errorf("--zipkin: %w", err))
	}
	switch info, err := os.Stat(o.Bin); {
	case o.Bin == "":
	case err != nil:
		problems = append(problems, fmt.Errorf("--bin %s: want a directory with programs, got none", o.Bin))
	case !info.IsDir():
		problems = append(problems, fmt.Errorf("--bin %s: want a directory with programs, got a file", o.Bin))
	}
	return usage.Error(errors.Join(problems...))
}

// checkHost reports a bad host once, instead of once for every port.
func checkHost(host string) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return fmt.Errorf("--listen %s: want an address of this machine: %w", host, systemError(err))
	}
	return listener.Close()
}

// open listens on all ports of a host, in order, or on none: the error has one line for each port that cannot be opened.
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

// problem describes which port could not be opened, what it is for, and what to do.
func (p listenPort) problem(host string, err error) error {
	why := systemError(err).Error()
	if isAddressInUse(err) {
		why = p.user()
	}
	return fmt.Errorf("port %d on %s, for %s: %s; %s", p.port, host, p.what, why, p.remedy)
}

// user describes the program that uses the port.
func (p listenPort) user() string {
	if p.console {
		if other, err := current.Ask(context.Background(), p.port); err == nil && other.Overlay != "" {
			return fmt.Sprintf("a lab runs already, with overlay %s: http://localhost:%d/", bundle.Shown(other.Overlay), p.port)
		}
	}
	return "already in use by another program"
}

// systemError returns the system's error without the address that package net adds: the message already contains it.
func systemError(err error) error {
	var system *net.OpError
	if errors.As(err, &system) {
		return system.Err
	}
	return err
}

// localURL returns the URL by which the user reaches a listener: with localhost if that reaches it.
func localURL(host string, l net.Listener) string {
	address := l.Addr().(*net.TCPAddr)
	name := host
	if address.IP.IsLoopback() || address.IP.IsUnspecified() {
		name = "localhost"
	}
	return "http://" + net.JoinHostPort(name, strconv.Itoa(address.Port))
}

// dialable returns the address of a listener for a connection from this machine.
func dialable(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		return net.JoinHostPort(loopback, port)
	}
	return l.Addr().String()
}
