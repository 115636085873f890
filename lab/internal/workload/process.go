package workload

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// process is one running program.
type process struct {
	os   *os.Process
	done chan struct{} // closed once the process has ended and its output is read
	err  error         // how it ended; valid after done is closed
}

// command describes how to start a process.
type command struct {
	path string
	dir  string
	args []string
	env  []string
	out  *splitter
}

// start runs a program that is killed when this process ends.
func start(c command, kill *killOnExit) (*process, error) {
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	cmd.Stdout, cmd.Stderr = io.Writer(c.out), io.Writer(c.out)
	cmd.WaitDelay = 2 * time.Second // for a grandchild that keeps the output open
	kill.prepare(cmd)

	p := &process{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Linux sends Pdeathsig when the thread that started the process ends, so this thread is kept until the process has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.os = cmd.Process
			if err = kill.hold(cmd.Process); err != nil {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
		}
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		p.killRest()
		kill.release(cmd.Process)
		c.out.flush()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// ending describes how a process ended: "exited with code 2", "killed".
func ending(err error) string {
	var exit *exec.ExitError
	switch {
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

// exitedWithError reports whether an ended process exited by itself with an error.
func (p *process) exitedWithError() bool {
	var exit *exec.ExitError
	return p.err != nil && (!errors.As(p.err, &exit) || exit.ExitCode() >= 0)
}

// portTaken reports whether a line states that a port to listen on is in use.
func portTaken(line string) bool {
	return strings.Contains(line, "address already in use") || // Linux, macOS
		strings.Contains(line, "Only one usage of each socket address") // Windows
}
