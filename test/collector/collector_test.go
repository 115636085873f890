package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const deploy = "../../deploy"

// binary is the collector that TestMain builds. The builder keeps its source there, so that only the first build is slow.
const binary = "../../out/otelcol/otelcol"

func TestMain(m *testing.M) {
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	build := exec.Command("go", "tool", "builder", "--config", "builder.yaml")
	build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the collector: %v\n%s", err, out)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// configuration reads a file of deploy/ and gives it other paths and addresses: old, new, old, new… Each old text must be there.
func configuration(t *testing.T, file string, replace ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(deploy, file))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("%s: %q is not in it", file, replace[i])
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	path := filepath.Join(t.TempDir(), filepath.Base(file))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// process is a running collector.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}
	out  lockedBuffer
}

// start runs the collector and waits until its health check at the given address reports that it is ready.
func start(t *testing.T, health string, configs ...string) *process {
	t.Helper()
	// The collector's own metrics would take port 8888.
	args := []string{"--config=yaml:service::telemetry::metrics::level: none"}
	for _, c := range configs {
		args = append(args, "--config="+c)
	}
	p := &process{t: t, cmd: exec.Command(binary, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	t.Cleanup(p.stop)
	eventually(t, func() error {
		select {
		case <-p.done:
			t.Fatalf("the collector has ended:\n%s", p.out.String())
		default:
		}
		return status(http.Get("http://" + health + "/"))
	})
	return p
}

// stop ends the collector as kubelet does, and waits for its end. What it still has to send is sent.
func (p *process) stop() {
	select {
	case <-p.done:
		return
	default:
	}
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
		p.t.Errorf("the collector did not end within 20 s:\n%s", p.out.String())
	}
	if p.t.Failed() {
		p.t.Logf("the collector's log:\n%s", p.out.String())
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// status returns an error unless the response is one of success.
func status(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode >= 300 {
		return errors.New(resp.Status)
	}
	return nil
}

// freeAddress returns an address of loopback where nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// eventually calls check every few milliseconds until it returns no error, for a minute.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-tick.C:
		}
	}
}
