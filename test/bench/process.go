package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The cores of the two sides: only the server on the first, the client and everything else on the second.
const serverCore, clientCore = 0, 1

// pin pins this process, and the threads it starts from now on, to one core.
func pin(core int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("pinning to a core needs Linux: %w", err)
	}
	for _, t := range tasks {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return fmt.Errorf("thread %q: want a number", t.Name())
		}
		if err := pinThread(id, core); err != nil {
			return err
		}
	}
	return nil
}

// process is a running program. It ends with this process.
type process struct {
	*exec.Cmd
	output string        // file with what it writes
	ended  chan struct{} // closed at its end
}

// start runs a program with only the given environment, PATH and HOME. Both its outputs go to a file: a pipe would cost one server a reader
// on the client's core, and the other nothing.
func (b *bench) start(env []string, program string, args ...string) (*process, error) {
	p := &process{Cmd: exec.Command(program, args...), output: filepath.Join(b.work, filepath.Base(program)+".out"), ended: make(chan struct{})}
	output, err := os.Create(p.output)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	p.Env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	p.Stdout, p.Stderr = output, output
	p.SysProcAttr = endsWithParent()
	if err := p.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.Wait() // its output shows how it ended
		close(p.ended)
	}()
	return p, nil
}

// startPinned is like start, on the server's core: a child inherits the affinity of the thread that starts it.
func (b *bench) startPinned(env []string, program string, args ...string) (*process, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := pinThread(0, serverCore); err != nil {
		return nil, err
	}
	p, err := b.start(env, program, args...)
	if back := pinThread(0, clientCore); back != nil {
		return nil, back
	}
	return p, err
}

// stop ends the process, within ten seconds, and waits for its end.
func (p *process) stop() {
	_ = p.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.Process.Kill()
		<-p.ended
	}
}

// said returns the end of the process's output.
func (p *process) said() string {
	text, err := os.ReadFile(p.output)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}

// until calls done every millisecond until it returns true, and returns how long that took since a moment. If the process has ended or the
// time is up, the error includes the process's output.
func (p *process) until(since time.Time, limit time.Duration, done func() bool) (time.Duration, error) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-p.ended:
			return 0, fmt.Errorf("%s has ended: %s", p.Path, p.said())
		case <-tick.C:
		}
		if time.Since(since) > limit {
			return 0, fmt.Errorf("%s: not so far after %v: %s", p.Path, limit, p.said())
		}
	}
	return time.Since(since), nil
}

// ready waits until the response is 200, for at most ten seconds, and returns how long that took.
func (p *process) ready(url string, since time.Time) (time.Duration, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	return p.until(since, 10*time.Second, func() bool {
		response, err := client.Get(url)
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// freePort returns a loopback port that was free a moment ago: peers cannot choose one themselves.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}
