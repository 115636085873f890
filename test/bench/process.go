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

// The cores of the two sides: the server alone on the first, the client and everything else on the second.
const serverCore, clientCore = 0, 1

// pin keeps this process, and the threads it starts from now on, on one core.
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

// process is a program that runs. It dies with this process.
type process struct {
	*exec.Cmd
	output string        // file of what it writes
	ended  chan struct{} // closed at its end
}

// start runs a program with nothing but the given environment, PATH and HOME. What it says goes to a file, whichever of its two
// outputs it takes: a pipe would cost one server a reader on the client's core, and the other nothing.
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
		_ = p.Wait() // how it ended shows in what it said
		close(p.ended)
	}()
	return p, nil
}

// startPinned is start on the server's core: a child begins where the thread that made it may run.
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
	_ = p.Process.Signal(syscall.SIGTERM) // has it ended before, that is no error
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.Process.Kill()
		<-p.ended
	}
}

// said is the end of what the process wrote.
func (p *process) said() string {
	text, err := os.ReadFile(p.output)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}

// until asks done every millisecond until it holds, and returns how long that took since a moment. The error says what the process
// said, when it has ended or the time is up.
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

// ready waits until the answer is 200, for ten seconds at most, and returns how long that took.
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

// freePort is a loopback port that was free a moment ago: peers cannot be told to take any.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}
