package browser

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// lab is `hopline up` with an overlay of its own, which a test may edit.
type lab struct {
	t                     *testing.T
	dir                   string // of the overlay
	page, console, zipkin string // addresses, with a slash at the end
	command               *exec.Cmd
	ended                 chan struct{}
}

// address is a line of the addresses that the lab tells when it is ready.
var address = regexp.MustCompile(`^\s*(Page|Console|Zipkin|OTLP)\s+(http://\S+)`)

// startLab runs the canary overlay, copied, on ports of the system's choice, and ends it with the test.
func startLab(t *testing.T) *lab {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(filepath.Join("..", "..", "deploy"))); err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, dir: filepath.Join(copied, "overlays", "canary"), ended: make(chan struct{})}
	l.command = exec.Command(filepath.Join(bin, "lab"), "up", l.dir, "--bin", bin, "--build", "never",
		"--ingress-port", "0", "--console-port", "0", "--zipkin-port", "0", "--otlp-port", "0")
	stdout, err := l.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	l.command.Stderr = l.command.Stdout
	if err := l.command.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan map[string]string, 1)
	var said strings.Builder // read after ended is closed, or not at all
	go l.follow(stdout, &said, ready)
	t.Cleanup(l.stop)
	select {
	case urls := <-ready:
		l.page, l.console, l.zipkin = urls["Page"], urls["Console"], urls["Zipkin"]
	case <-l.ended:
		t.Fatalf("the lab ended:\n%s", said.String())
	case <-time.After(60 * time.Second):
		t.Fatal("the lab is not ready after 60 s")
	}
	return l
}

// follow reads what the lab says to its end.
func (l *lab) follow(stdout io.Reader, said *strings.Builder, ready chan<- map[string]string) {
	urls := map[string]string{}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			if urls[found[1]] = found[2]; len(urls) == 4 {
				ready <- urls
			}
		}
	}
	_ = l.command.Wait() // told by what it said
	close(l.ended)
}

// stop ends the lab in order, and for good after a while.
func (l *lab) stop() {
	_ = l.command.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-l.ended:
	case <-time.After(30 * time.Second):
		_ = l.command.Process.Kill()
		<-l.ended
	}
}

// call makes requests for a path of the page, with headers given as name and value, and returns the trace id of the last.
func (l *lab) call(times int, path string, header ...string) string {
	l.t.Helper()
	trace := ""
	for range times {
		r, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, l.page+path, nil)
		if err != nil {
			l.t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			l.t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // only the header is of interest
		resp.Body.Close()
		trace = resp.Header.Get("X-B3-Traceid")
	}
	return trace
}

// edit replaces text in a file of the overlay, as someone at an editor would.
func (l *lab) edit(file, old, new string) {
	l.t.Helper()
	path := filepath.Join(l.dir, file)
	text, err := os.ReadFile(path)
	if err != nil {
		l.t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		l.t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, new)), 0o644); err != nil {
		l.t.Fatal(err)
	}
}
