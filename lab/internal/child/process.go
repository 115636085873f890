// Package child starts processes that end with this one, even if it is killed, and reads their output by lines.
package child

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Process is one running program.
type Process struct {
	Done <-chan struct{} // closed once the process has ended and its output is read
	Err  error           // how it ended; valid after Done is closed

	os *os.Process
}

// Command describes how to start a process.
type Command struct {
	Path string
	Dir  string
	Args []string
	Env  []string
	Line func(text string) // is called for each line that it writes to stdout or stderr
}

// Start runs a program in a process group of its own.
func (g *Group) Start(c Command) (*Process, error) {
	out := &splitter{emit: c.Line}
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	cmd.Stdout, cmd.Stderr = io.Writer(out), io.Writer(out)
	cmd.WaitDelay = 2 * time.Second // for a grandchild that keeps the output open
	g.prepare(cmd)

	done := make(chan struct{})
	p := &Process{Done: done}
	started := make(chan error, 1)
	go func() {
		// Linux sends Pdeathsig when the thread that started the process ends, so this thread is kept until the process has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.os = cmd.Process
			if err = g.hold(cmd.Process); err != nil {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
		}
		started <- err
		if err != nil {
			return
		}
		p.Err = cmd.Wait()
		p.killRest()
		g.release(cmd.Process)
		out.flush()
		close(done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// PID returns the number of a process.
func (p *Process) PID() int { return p.os.Pid }

// Ending describes how a process ended: "exited with code 2", "killed".
func (p *Process) Ending() string {
	var exit *exec.ExitError
	switch err := p.Err; {
	case err == nil:
		return "exited with code 0"
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return "exited with code " + strings.TrimPrefix(exit.Error(), "exit status ")
	case errors.As(err, &exit):
		return "ended by " + exit.Error()
	default:
		return err.Error()
	}
}

// ExitedWithError reports whether an ended process exited by itself with an error.
func (p *Process) ExitedWithError() bool {
	var exit *exec.ExitError
	return p.Err != nil && (!errors.As(p.Err, &exit) || exit.ExitCode() >= 0)
}
