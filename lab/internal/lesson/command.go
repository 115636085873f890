package lesson

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of a command.
const (
	untilPause = time.Second      // between two runs of a command that is run until its output fits
	stopTime   = 30 * time.Second // for a background command to end after its signal
	maxOutput  = 1 << 20          // bytes of output that are kept
)

// limits holds how long commands may take.
type limits struct {
	command time.Duration // one command
	until   time.Duration // a command that is run until its output fits
	check   time.Duration // the check of an exercise, until it passes: a change takes a moment to be live
	ready   time.Duration // a background command, until it has printed what is expected: the programs may have to be built
}

var usualLimits = limits{command: time.Minute, until: 30 * time.Second, check: 30 * time.Second, ready: 90 * time.Second}

// again returns for how long commands of a kind of block are run again if their output does not fit.
func (l limits) again(kind Kind) time.Duration {
	switch kind {
	case Until:
		return l.until
	case Check:
		return l.check
	}
	return 0
}

// shell runs commands, each by a sh of its own, in one directory. Variables that a command sets, and its directory, hold for the next one.
type shell struct {
	dir     string // of the next command
	state   string // a file with the variables that were set
	env     []string
	limits  limits
	staying []*staying

	toActual, toUsual *strings.Replacer // of addresses
}

// newShell returns a shell whose first directory is dir. tool is put before PATH as hopline. The caller must close it.
func newShell(dir, tool string, a Addresses) (*shell, error) {
	private, err := os.MkdirTemp("", "hopline-lesson-")
	if err != nil {
		return nil, err
	}
	s := &shell{dir: dir, state: filepath.Join(private, "state"), limits: usualLimits}
	s.toActual, s.toUsual = a.replacers()
	if err := errors.Join(os.Symlink(tool, filepath.Join(private, "hopline")), os.WriteFile(s.state, nil, 0o600)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(private))
	}
	s.env = append(os.Environ(), "PATH="+private+string(os.PathListSeparator)+os.Getenv("PATH"), "NO_COLOR=1", "TERM=dumb")
	s.env = append(s.env, a.env()...)
	return s, nil
}

// close ends the background commands, the last first, and removes what the shell has created.
func (s *shell) close() error {
	var errs []error
	for i := len(s.staying) - 1; i >= 0; i-- {
		errs = append(errs, s.staying[i].end())
	}
	return errors.Join(append(errs, os.RemoveAll(filepath.Dir(s.state)))...)
}

// result holds how a command ended. err is set if it did not end in time, or could not be started.
type result struct {
	lines []string
	code  int
	err   error
}

// wrapped runs a command between reading and writing the variables. `set -a` exports every variable that the command sets.
const wrapped = `set -a; . "$1"; eval "$2"; code=$?; export -p >"$1"; pwd >"$1.dir"; exit $code`

// run runs one command until it ends, or until its limit.
func (s *shell) run(ctx context.Context, command string) result {
	ctx, cancel := context.WithTimeout(ctx, s.limits.command)
	defer cancel()
	var out output
	cmd := s.command(ctx, command, &out)
	err := cmd.Run()
	r := result{lines: s.lines(out.text()), code: cmd.ProcessState.ExitCode()}
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		r.err = fmt.Errorf("the command has not ended after %v", s.limits.command)
	case ctx.Err() != nil:
		r.err = ctx.Err()
	case err != nil && !errors.As(err, &ended):
		r.err = err
	}
	if dir, err := os.ReadFile(s.state + ".dir"); err == nil {
		s.dir = strings.TrimSpace(string(dir))
	}
	return r
}

func (s *shell) command(ctx context.Context, command string, out io.Writer) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", wrapped, "sh", s.state, s.toActual.Replace(command))
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, out, out
	ownGroup(cmd)
	cmd.WaitDelay = stopTime
	return cmd
}

// libraryLog matches a line that kubectl's library logs, such as a warning that a watch had to be started again. It is not output of the
// command: it comes now and then, when the machine is busy.
var libraryLog = regexp.MustCompile(`(?m)^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+\.go:\d+\] .*\n?`)

// lines returns output as a learner sees it: with the usual ports, and without blanks at the ends and libraryLog.
func (s *shell) lines(text string) []string {
	text = strings.TrimRight(s.toUsual.Replace(libraryLog.ReplaceAllString(text, "")), "\n ")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// stay starts a background command: it runs until the shell is closed, or the same command is started again.
func (s *shell) stay(command string) (*staying, error) {
	for i, c := range s.staying {
		if c.command == command {
			s.staying = slices.Delete(s.staying, i, i+1)
			if err := c.end(); err != nil {
				return nil, err
			}
			break
		}
	}
	c := &staying{shell: s, command: command, done: make(chan struct{})}
	c.cmd = s.command(context.Background(), "exec "+command, &c.out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = c.cmd.Wait() // end checks done; the output shows how it ended
		close(c.done)
	}()
	s.staying = append(s.staying, c)
	return c, nil
}

// staying is a command that runs in the background.
type staying struct {
	shell   *shell
	command string
	cmd     *exec.Cmd
	out     output
	done    chan struct{}
}

// until waits until the output fits, the command has ended, ctx ends, or the limit has passed. It returns the output.
func (c *staying) until(ctx context.Context, fits func([]string) bool) result {
	ctx, cancel := context.WithTimeout(ctx, c.shell.limits.ready)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		r := result{lines: c.shell.lines(c.out.text())}
		if fits(r.lines) {
			return r
		}
		select {
		case <-tick.C:
		case <-c.done:
			r = result{lines: c.shell.lines(c.out.text()), code: c.cmd.ProcessState.ExitCode()}
			r.err = fmt.Errorf("the command has ended, with code %d", r.code)
			return r
		case <-ctx.Done():
			r.err = fmt.Errorf("the command has not printed this after %v", c.shell.limits.ready)
			return r
		}
	}
}

// end interrupts the command, as Ctrl-C does, and after stopTime kills it and everything that it started.
func (c *staying) end() error {
	interrupt(c.cmd)
	select {
	case <-c.done:
		return nil
	case <-time.After(stopTime):
		kill(c.cmd)
		<-c.done
		return fmt.Errorf("%s has not ended %v after its signal", c.cmd.Args[len(c.cmd.Args)-1], stopTime)
	}
}

// output keeps what a command prints, up to maxOutput.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all.Write(p[:min(len(p), maxOutput-o.all.Len())])
	return len(p), nil
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}
