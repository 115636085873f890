//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// The lab's time limits, on a busy machine.
const (
	startTime  = 60 * time.Second
	settleTime = 90 * time.Second // a rolling restart takes as long as its longest drain
	stopTime   = 60 * time.Second
)

// lab is `hopline up` with an overlay that may be edited.
type lab struct {
	options   options
	dir       string // temporary, with all files of this run
	overlay   *overlay
	collector *collector // nil for none
	page      string     // with a slash at the end
	console   string
	command   *exec.Cmd
	ended     chan struct{}
	live      atomic.Int64 // saved changes that have gone live

	mu   sync.Mutex
	said []string // the last lines
}

// startLab runs an overlay. A lab without output, because the disk is full, gets ports that were free a moment before.
func startLab(ctx context.Context, o options, s overlaySpec) (l *lab, err error) {
	dir, err := os.MkdirTemp("", "hopline-chaos-")
	if err != nil {
		return nil, err
	}
	l = &lab{options: o, dir: dir, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.stop())
		}
	}()
	spans := ""
	if s.collector {
		if l.collector, err = startCollector(ctx, o, filepath.Join(dir, "collector")); err != nil {
			return nil, err
		}
		spans = l.collector.url + "/api/v2/spans"
	}
	if l.overlay, err = copyOverlay(o.root, dir, s, spans); err != nil {
		return nil, err
	}
	args := []string{"up", l.overlay.dir, "--bin", filepath.Join(o.root, "bin"), "--build", "never", "--zipkin-port", "0", "--otlp-port", "0"}
	if s.collector {
		args = append(args, "--zipkin", l.collector.url)
	}
	if s.diskFull {
		return l, l.startSilent(ctx, append(args, "--logs"))
	}
	return l, l.startPrinting(ctx, append(args, "--ingress-port", "0", "--console-port", "0"))
}

// startPrinting starts a lab that prints its addresses once it is ready.
func (l *lab) startPrinting(ctx context.Context, args []string) error {
	l.command = exec.Command(filepath.Join(l.options.root, "bin", "hopline"), args...)
	output, err := l.command.StdoutPipe()
	if err != nil {
		return err
	}
	l.command.Stderr = l.command.Stdout
	if err := l.command.Start(); err != nil {
		close(l.ended)
		return err
	}
	ready := make(chan map[string]string, 1)
	go l.follow(output, ready)
	select {
	case urls := <-ready:
		l.page, l.console = urls["Page"], urls["Console"]
		return nil
	case <-l.ended:
		return errors.New("the lab ended")
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(startTime):
		return fmt.Errorf("the lab is not ready after %v", startTime)
	}
}

// startSilent starts a lab whose output is lost on a full disk.
func (l *lab) startSilent(ctx context.Context, args []string) error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer full.Close()
	l.page, l.console = fmt.Sprintf("http://localhost:%d/demo-app/", ports[0]), fmt.Sprintf("http://localhost:%d/", ports[1])
	args = append(args, "--ingress-port", strconv.Itoa(ports[0]), "--console-port", strconv.Itoa(ports[1]))
	l.command = exec.Command(filepath.Join(l.options.root, "bin", "hopline"), args...)
	l.command.Stdout, l.command.Stderr = full, full
	if err := l.command.Start(); err != nil {
		close(l.ended)
		return err
	}
	go func() {
		_ = l.command.Wait() // stop reports how it ended
		close(l.ended)
	}()
	return l.settled(ctx)
}

// freePorts returns n free ports.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// address matches a line of the addresses that the lab prints when it is ready.
var address = regexp.MustCompile(`^\s*(Page|Console|Zipkin|OTLP)\s+(http://\S+)`)

// follow reads the lab's output to its end.
func (l *lab) follow(output io.Reader, ready chan<- map[string]string) {
	urls := map[string]string{}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		line := lines.Text()
		l.mu.Lock()
		l.said = append(l.said[max(0, len(l.said)-100):], line)
		l.mu.Unlock()
		if strings.Contains(line, " is live") {
			l.live.Add(1)
		}
		if found := address.FindStringSubmatch(line); found != nil {
			urls[found[1]] = found[2]
			if found[1] == "OTLP" { // the last one
				ready <- urls
			}
		}
	}
	_ = l.command.Wait() // stop reports how it ended
	close(l.ended)
}

// pod is a process in the lab's pod list.
type pod struct {
	Name       string
	Deployment string
	State      string
	Reason     string
	Ready      bool
	Current    bool
	Process    int
	Restarts   int
	Ports      map[string]string // container port → address
}

// pods requests the pod list from the lab.
func (l *lab) pods(ctx context.Context) ([]pod, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.console+"pods", nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var running struct{ Pods []pod }
	return running.Pods, json.NewDecoder(response.Body).Decode(&running)
}

// settled waits until every pod is ready and has the newest template, and none is terminating.
func (l *lab) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	last := errors.New("nothing requested yet")
	for ctx.Err() == nil {
		pods, err := l.pods(ctx)
		switch {
		case err != nil:
			last = err
		case len(pods) == 0:
			last = errors.New("no pods")
		default:
			if last = unsettled(pods); last == nil {
				return nil
			}
		}
		select {
		case <-l.ended:
			return errors.New("the lab ended")
		default:
			pause(ctx, 20*time.Millisecond)
		}
	}
	return fmt.Errorf("the lab does not settle: %w", last)
}

// unsettled returns what is still pending.
func unsettled(pods []pod) error {
	for _, p := range pods {
		if !p.Ready || !p.Current {
			return fmt.Errorf("%s is %s", p.Name, p.State)
		}
	}
	return nil
}

// stop stops the lab gracefully. If that fails, the error has the last lines of the lab's output.
func (l *lab) stop() error {
	var problem error
	if l.command != nil && l.command.Process != nil {
		_ = l.command.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-l.ended:
		case <-time.After(stopTime):
			_ = l.command.Process.Signal(syscall.SIGKILL)
			<-l.ended
			problem = fmt.Errorf("the lab did not stop within %v", stopTime)
		}
		if problem == nil && l.command.ProcessState.ExitCode() != 0 {
			problem = fmt.Errorf("the lab ended with %v", l.command.ProcessState)
		}
		if problem != nil {
			l.mu.Lock()
			problem = fmt.Errorf("%w; its last output:\n%s", problem, strings.Join(l.said, "\n"))
			l.mu.Unlock()
		}
	}
	if l.collector != nil {
		problem = errors.Join(problem, l.collector.stop())
	}
	return errors.Join(problem, os.RemoveAll(l.dir))
}

// pollTime is the interval of polling for a condition.
const pollTime = 10 * time.Millisecond

// replaced waits until none of the pods in before is left, and the lab has settled.
func (l *lab) replaced(ctx context.Context, before []pod) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	old := map[string]bool{}
	for _, p := range before {
		old[p.Name] = true
	}
	for {
		pods, err := l.pods(ctx)
		if err != nil {
			return err
		}
		left := slices.IndexFunc(pods, func(p pod) bool { return old[p.Name] })
		if left < 0 && len(pods) > 0 {
			return l.settled(ctx)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s is still there after %v", pods[left].Name, settleTime)
		}
		pause(ctx, pollTime)
	}
}
