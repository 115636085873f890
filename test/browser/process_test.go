package browser

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// process is a running service.
type process struct {
	url     string
	command *exec.Cmd
	ended   chan struct{}
}

// start runs a service on a port that the system chooses, waits until it serves, and stops it when the test ends. As in a pod, it inherits
// nothing of this environment.
func start(t *testing.T, name string, env ...string) *process {
	t.Helper()
	p := &process{command: exec.Command(filepath.Join(bin, name)), ended: make(chan struct{})}
	p.command.Env = append([]string{"PORT=0", "ADMIN_PORT=0", "LISTEN_HOST=127.0.0.1"}, env...)
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go p.follow(stdout, address)
	t.Cleanup(p.kill)
	select {
	case p.url = <-address:
	case <-p.ended:
		t.Fatalf("%s ended before it served", name)
	case <-time.After(20 * time.Second):
		t.Fatalf("%s does not serve after 20 s", name)
	}
	p.url = "http://" + p.url
	return p
}

// follow reads the log to its end; one line of it has the service's address.
func (p *process) follow(stdout io.Reader, address chan<- string) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "started" {
			address <- line.Address
		}
	}
	_ = p.command.Wait() // it was killed, or the log shows how it ended
	close(p.ended)
}

// kill ends the process immediately.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
}

// chain is front, middle, core and clock, each one calling the next.
type chain struct {
	front, middle, core, clock *process
}

func startChain(t *testing.T, frontEnv ...string) chain {
	t.Helper()
	var c chain
	c.clock = start(t, "clock", "SERVICE_VERSION=prod")
	c.core = start(t, "core", "SERVICE_VERSION=test", "TIME_URL="+c.clock.url+"/time", "SLOW_DURATION=50ms")
	c.middle = start(t, "middle", "SERVICE_VERSION=canary", "UPSTREAM_URL="+c.core.url)
	c.front = startFront(t, "amber", c.middle.url, frontEnv...)
	return c
}

func startFront(t *testing.T, version, upstream string, env ...string) *process {
	t.Helper()
	return start(t, "front", append([]string{"SERVICE_VERSION=" + version, "UPSTREAM_URL=" + upstream, "TRACE_UI_URL=/jaeger/trace/{traceID}"}, env...)...)
}
