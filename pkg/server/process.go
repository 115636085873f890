package server

import (
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// Process is what the operating system gives a program. A test gives it the same things.
type Process struct {
	Args     []string // without the program's name
	Env      []string // "NAME=value"
	Hostname string
	Stdout   io.Writer        // help, logs, and spans of the console exporter
	Stderr   io.Writer        // problems at start
	Signals  <-chan os.Signal // SIGTERM and SIGINT: the first stops, the second ends at once
	Exit     func(code int)   // ends the process on the spot, as a crash would

	// Listening, when set, is called once with the bound addresses, before the service is ready.
	Listening func(app, admin net.Addr)
}

// FromOS is the process itself.
func FromOS() Process {
	hostname, err := os.Hostname()
	if err != nil {
		hostname = "unknown"
	}
	signals := make(chan os.Signal, 2) // room for the second while the first is being acted on
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
