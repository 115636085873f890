// Package servertest runs a service in a test as main would, on ports of the system's choice.
package servertest

import (
	"testing"

	"github.com/hopline/hopline/pkg/server"
)

// Running is a service that Start started.
type Running struct {
	URL   string // of the application, without a trailing slash
	Admin string // of the admin listener
}

// Start runs a service with env ("NAME=value", added to PORT=0, ADMIN_PORT=0, LISTEN_HOST=127.0.0.1), waits until it is ready,
// and stops it when the test ends. run is the service's own function, the one main calls.
func Start(t testing.TB, run func(server.Process) int, env ...string) *Running { return nil }

// Stop sends SIGTERM, waits for the end and returns the exit code. It may be called once or not at all.
func (r *Running) Stop() int { return 0 }

// Terminate sends SIGTERM and does not wait.
func (r *Running) Terminate() {}

// Wait waits for the end and returns the exit code.
func (r *Running) Wait() int { return 0 }

// Logs is what the service wrote to stdout so far.
func (r *Running) Logs() string { return "" }

// Exec runs a service to its end, as for --help or a bad setting.
func Exec(t testing.TB, run func(server.Process) int, args, env []string) (code int, stdout, stderr string) {
	return 0, "", ""
}
