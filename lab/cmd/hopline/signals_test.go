package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// startProcess runs `hopline up` as a separate process and waits until it is ready.
func startProcess(t *testing.T) (*exec.Cmd, *suite) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no way here to send one process a Ctrl-C")
	}
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{t: t, deploy: deployCopy(t), screen: newScreenful(), client: &http.Client{Timeout: 10 * time.Second}}
	cmd := exec.Command(self, append([]string{"up", "--bin", bin, "--build=never", filepath.Join(s.deploy, "overlays/canary")}, anyPorts...)...)
	cmd.Args[0] = "hopline" // TestMain checks this name
	cmd.Stdout, cmd.Stderr = s.screen, s.screen
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		s.client.CloseIdleConnections()
	})
	s.waitFor("the addresses", func() bool { return strings.Contains(s.screen.String(), "Ctrl-C stops everything") })
	s.urls = addresses(s.screen.String())
	return cmd, s
}

// waitGone waits until none of the processes is running.
func (s *suite) waitGone(processes []int) {
	s.t.Helper()
	s.waitFor("the processes' end", func() bool {
		for _, p := range processes {
			if alive(s.t, p) {
				return false
			}
		}
		return true
	})
}

func TestInterruptEndsInOrder(t *testing.T) {
	t.Parallel()
	cmd, s := startProcess(t)
	processes := s.processes()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("hopline ended with %v, want 0:\n%s", err, s.screen)
	}
	for _, p := range processes {
		if alive(t, p) {
			t.Errorf("process %d still runs", p)
		}
	}
	if strings.Contains(s.screen.String(), "\x1b") || strings.Contains(s.screen.String(), "✓") {
		t.Errorf("off a terminal the output is not plain:\n%s", s.screen)
	}
}

func TestSecondInterruptEndsAtOnce(t *testing.T) {
	t.Parallel()
	cmd, s := startProcess(t)
	processes := s.processes()
	go func() { _, _ = s.try("Page", "/hops", "x-fault-core", "latency=30s") }() // a graceful end would wait for this request
	s.waitFor("the request", func() bool { return s.inFlight("core") > 0 })
	begun := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s.waitFor("the first to be heard", func() bool { return strings.Contains(s.screen.String(), "a second Ctrl-C") })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if took := time.Since(begun); took >= s.client.Timeout {
		t.Errorf("two interrupts took %v", took)
	}
	for _, p := range processes {
		if alive(t, p) {
			t.Errorf("process %d still runs", p)
		}
	}
}

func TestNothingOutlivesAKilledHopline(t *testing.T) {
	t.Parallel()
	cmd, s := startProcess(t)
	processes := s.processes()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	s.waitGone(processes)
}
