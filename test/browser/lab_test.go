package browser

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// lab is a running `hopline up`.
type lab struct {
	t                     *testing.T
	dir                   string // of the overlay; a test may edit it if it is a copy
	page, console, zipkin string // addresses, with a slash at the end
	command               *exec.Cmd
	ended                 chan struct{}
}

// address matches a line of the addresses that the lab prints when it is ready. With --stand-in, it has Ingress in place of Page.
var address = regexp.MustCompile(`^\s*(Page|Ingress|Console|Zipkin|OTLP)\s+(http://\S+)`)

// startLab runs the canary overlay, copied so that the test may edit it, and stops it when the test ends.
func startLab(t *testing.T) *lab {
	t.Helper()
	return runLab(t, "", filepath.Join(copyDeploy(t), "overlays", "canary"))
}

// copyDeploy copies the deploy directory of the checkout.
func copyDeploy(t *testing.T) string {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(filepath.Join("..", "..", "deploy"))); err != nil {
		t.Fatal(err)
	}
	return copied
}

// runLab runs the overlay in a directory, relative to another one, on ports that the system chooses, and stops it when the test ends. flags are
// further flags of hopline up.
func runLab(t *testing.T, from, dir string, flags ...string) *lab {
	t.Helper()
	l := &lab{t: t, dir: dir, ended: make(chan struct{})}
	l.command = exec.Command(filepath.Join(bin, "hopline"), append([]string{"up", dir, "--bin", bin, "--build", "never",
		"--ingress-port", "0", "--console-port", "0", "--zipkin-port", "0", "--otlp-port", "0"}, flags...)...)
	l.command.Dir = from
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

// in returns the lab for use in a subtest.
func (l *lab) in(t *testing.T) *lab {
	sub := *l
	sub.t = t
	return &sub
}

// follow reads the lab's output to its end.
func (l *lab) follow(stdout io.Reader, said *strings.Builder, ready chan<- map[string]string) {
	urls := map[string]string{}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			if urls[strings.Replace(found[1], "Ingress", "Page", 1)] = found[2]; len(urls) == 4 {
				ready <- urls
			}
		}
	}
	_ = l.command.Wait() // the output shows how it ended
	close(l.ended)
}

// line is an address that forwards to the console of a lab, as if the lab had that port.
type line struct {
	t       *testing.T
	server  *httptest.Server
	forward atomic.Pointer[httputil.ReverseProxy] // nil: the line is cut
}

func newLine(t *testing.T) *line {
	n := &line{t: t}
	n.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forward := n.forward.Load()
		if forward == nil {
			panic(http.ErrAbortHandler) // closes the connection without a response
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(n.server.Close)
	return n
}

// cut closes all connections and accepts no request.
func (n *line) cut() {
	n.forward.Store(nil)
	n.server.CloseClientConnections()
}

// to connects the address with a lab.
func (n *line) to(l *lab) {
	n.t.Helper()
	console, err := url.Parse(l.console)
	if err != nil {
		n.t.Fatal(err)
	}
	n.forward.Store(httputil.NewSingleHostReverseProxy(console))
}

// stop stops the lab gracefully, and kills it after a while.
func (l *lab) stop() {
	_ = l.command.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-l.ended:
	case <-time.After(30 * time.Second):
		_ = l.command.Process.Kill()
		<-l.ended
	}
}

// call sends requests for a path of the page, with headers given as name and value, and returns the trace id of the last.
func (l *lab) call(times int, path string, header ...string) string {
	l.t.Helper()
	trace := ""
	for range times {
		r, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, l.page+path, nil)
		if err != nil {
			l.t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			if header[i] == "Host" {
				r.Host = header[i+1]
			}
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			l.t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // only the header matters
		resp.Body.Close()
		trace = resp.Header.Get("X-B3-Traceid")
	}
	return trace
}

// report sends spans, as JSON, to the lab's collector.
func (l *lab) report(spans string) {
	l.t.Helper()
	resp, err := http.Post(l.zipkin+"api/v2/spans", "application/json", strings.NewReader(spans))
	if err != nil {
		l.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		l.t.Fatalf("the collector responds with %s", resp.Status)
	}
}

// edit replaces text in a file of the overlay.
func (l *lab) edit(file, old, new string) {
	l.t.Helper()
	edit(l.t, filepath.Join(l.dir, file), old, new)
}

// edit replaces text in a file, as a person with an editor does.
func edit(t *testing.T, path, old, new string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, new)), 0o644); err != nil {
		t.Fatal(err)
	}
}
