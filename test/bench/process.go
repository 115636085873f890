package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The cores of the two sides: the server alone on the first, the client and everything else on the second.
const serverCore, clientCore = 0, 1

// pin keeps this process, and the threads it starts from now on, on one core.
func pin(core int) error {
	var set unix.CPUSet
	set.Set(core)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("pinning to a core needs Linux: %w", err)
	}
	for _, t := range tasks {
		id, _ := strconv.Atoi(t.Name())
		if err := unix.SchedSetaffinity(id, &set); err != nil {
			return fmt.Errorf("pinning to core %d (two are needed): %w", core, err)
		}
	}
	return nil
}

// process is a peer that runs.
type process struct {
	*exec.Cmd
	out bytes.Buffer
}

// start runs a program on the server's core with nothing but the given environment. It dies with this process.
func start(env []string, program string, args ...string) (*process, error) {
	p := &process{Cmd: exec.Command("taskset", append([]string{"-c", strconv.Itoa(serverCore), program}, args...)...)}
	p.Env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	p.Stderr = &p.out
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return p, p.Start()
}

// stop ends the process and waits for its end.
func (p *process) stop() {
	p.Process.Signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { p.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		p.Process.Kill()
		<-ended
	}
}

// ready asks every millisecond until the answer is 200, for ten seconds at most, and returns how long that took.
func (p *process) ready(url string, since time.Time) (time.Duration, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	for time.Since(since) < 10*time.Second {
		if response, err := client.Get(url); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return time.Since(since), nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return 0, fmt.Errorf("%s: not ready after 10 s: %s", strings.Join(p.Args, " "), p.out.String())
}

// rss is the resident memory in bytes, now.
func (p *process) rss() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", p.Process.Pid)
}

// cpu is the processor time used so far, in user and in system mode.
func (p *process) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime, proc(5); a tick is 10 ms
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
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
