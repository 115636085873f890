// Package servertest runs a service in a test as main does, on ports that the system chooses.
package servertest

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hopline/hopline/pkg/server"
)

// deadline limits every wait in this package: long enough for a busy machine, short enough to find what hangs.
const deadline = 30 * time.Second

// Running is a service that Start started.
type Running struct {
	URL   string // of the application, without a trailing slash
	Admin string // of the admin listener

	t       testing.TB
	output  *Output
	signals chan os.Signal
	done    chan struct{}
	code    int
	crashed chan int
}

// Start runs a service with env ("NAME=value", added to PORT=0, ADMIN_PORT=0, LISTEN_HOST=127.0.0.1), waits until it serves, and stops it
// when the test ends. run is the service's own function, the one that main calls.
func Start(t testing.TB, run func(server.Process) int, env ...string) *Running {
	t.Helper()
	r := &Running{t: t, output: &Output{}, signals: make(chan os.Signal, 2), done: make(chan struct{}), crashed: make(chan int, 1)}
	listening := make(chan [2]net.Addr, 1)
	p := process(r.output, r.output, nil, append([]string{"PORT=0", "ADMIN_PORT=0", "LISTEN_HOST=127.0.0.1"}, env...))
	p.Signals = r.signals
	p.Exit = r.crash
	p.Listening = func(app, admin net.Addr) { listening <- [2]net.Addr{app, admin} }
	go func() {
		defer close(r.done)
		r.code = run(p)
	}()
	t.Cleanup(r.cleanup)
	select {
	case bound := <-listening:
		r.URL, r.Admin = "http://"+bound[0].String(), "http://"+bound[1].String()
	case <-r.done:
		t.Fatalf("the service ended with code %d instead of serving:\n%s", r.code, r.output)
	case <-time.After(deadline):
		t.Fatalf("the service did not listen within %v:\n%s", deadline, r.output)
	}
	return r
}

// Exec runs a service to its end, as for --help or an invalid setting.
func Exec(t testing.TB, run func(server.Process) int, args, env []string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs Output
	done := make(chan struct{})
	go func() {
		defer close(done)
		code = run(process(&out, &errs, args, env))
	}()
	select {
	case <-done:
	case <-time.After(deadline):
		t.Fatalf("the service is still running after %v", deadline)
	}
	return code, out.String(), errs.String()
}

func process(stdout, stderr *Output, args, env []string) server.Process {
	return server.Process{
		Args: args, Env: env, Hostname: "test-host", Stdout: stdout, Stderr: stderr,
	}
}

// Terminate sends SIGTERM and does not wait.
func (r *Running) Terminate() { r.Signal(syscall.SIGTERM) }

// Signal sends a signal as the operating system does.
func (r *Running) Signal(s os.Signal) { r.signals <- s }

// Wait waits for the end and returns the exit code.
func (r *Running) Wait() int {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(deadline):
		r.t.Fatalf("the service is still running %v after the signal to stop:\n%s", deadline, r.output)
	}
	return r.code
}

// Stop sends SIGTERM, waits for the end and returns the exit code.
func (r *Running) Stop() int {
	r.t.Helper()
	r.Terminate()
	return r.Wait()
}

// crash replaces os.Exit: it records the code, and aborts the request that called it, which is what the client of a crashed process sees.
func (r *Running) crash(code int) {
	select {
	case r.crashed <- code:
	default:
	}
	panic(http.ErrAbortHandler)
}

// Crashed waits until the service ends its process immediately, and returns the exit code. In the test the service continues to run.
func (r *Running) Crashed() int {
	r.t.Helper()
	select {
	case code := <-r.crashed:
		return code
	case <-time.After(deadline):
		r.t.Fatalf("the service did not end its process within %v", deadline)
		return 0
	}
}

// cleanup stops what the test left running.
func (r *Running) cleanup() {
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	select {
	case <-r.done:
	default:
		r.Stop()
	}
}

// Logs returns what the service has written to stdout and stderr so far.
func (r *Running) Logs() string { return r.output.String() }

// Output is a buffer that is safe for concurrent reads and writes.
type Output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

// String returns what has been written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Clone(o.buffer.String())
}
