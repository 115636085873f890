package server

import (
	"io"
	"net"
	"os"
)

// Process is what the operating system gives a program. A test gives it the same things.
type Process struct {
	Args     []string // without the program's name
	Env      []string // "NAME=value"
	Hostname string
	Stdout   io.Writer        // logs, and spans of the console exporter
	Stderr   io.Writer        // problems at start
	Signals  <-chan os.Signal // SIGTERM and SIGINT: the first stops, the second exits at once

	// Listening, when set, is called once with the bound addresses, before the service is ready.
	Listening func(app, admin net.Addr)
}

// FromOS is the process itself.
func FromOS() Process { return Process{} }
