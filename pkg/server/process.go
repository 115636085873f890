package server

import (
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// Process holds what the operating system gives a program. A test provides the same.
type Process struct {
	Args     []string // without the program's name
	Env      []string // "NAME=value"
	Hostname string
	Stdout   io.Writer        // help, logs, and spans of the console exporter
	Stderr   io.Writer        // problems at start
	Signals  <-chan os.Signal // SIGTERM and SIGINT: the first stops gracefully, the second ends immediately
	Exit     func(code int)   // ends the process immediately, as a crash does

	// Listening, when set, is called once with the bound addresses, before the service is ready.
	Listening func(app, admin net.Addr)
}

// FromOS returns the process itself.
func FromOS() Process {
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "unknown"
	}
	signals := make(chan os.Signal, 2) // room for the second signal while the first is handled
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return Process{
		Args:     os.Args[1:],
		Env:      os.Environ(),
		Hostname: hostname,
		Stdout:   os.Stdout,
		Stderr:   os.Stderr,
		Signals:  signals,
		Exit:     os.Exit,
	}
}
