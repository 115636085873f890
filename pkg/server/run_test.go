package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hopline/hopline/pkg/config"
	"github.com/hopline/hopline/pkg/server"
	"github.com/hopline/hopline/pkg/server/servertest"
)

// program is a small service: /hello, /hold, which waits for a release, and /later, which starts background work.
type program struct {
	held    chan struct{} // receives one value for each request that waits
	release chan struct{} // ends them all when closed
	done    atomic.Bool   // the work of /later has ended
}

func newProgram() *program {
	return &program{held: make(chan struct{}, 100), release: make(chan struct{})}
}

func (p *program) run(process server.Process) int {
	var cfg server.Config
	svc, err := server.Open(process, config.Program{Name: "sample", Short: "A service for tests."}, &cfg)
	if err != nil {
		return config.ExitCode(err)
	}
	svc.Get("/hello", server.Hello)
	svc.Get("/hold", p.hold)
	svc.Get("/later", func(w http.ResponseWriter, r *http.Request) {
		svc.Go(r.Context(), func(ctx context.Context) {
			_, span := svc.Telemetry.Tracer.Start(ctx, "later")
			defer span.End()
			p.held <- struct{}{}
			select {
			case <-p.release:
				p.done.Store(true)
			case <-ctx.Done():
			}
		})
		server.Hello(w, r)
	})
	return svc.Run()
}

func (p *program) hold(w http.ResponseWriter, r *http.Request) {
	p.held <- struct{}{}
	select {
	case <-p.release:
		server.Hello(w, r)
	case <-r.Context().Done():
	}
}

// get sends one request on a connection of its own.
func get(t *testing.T, url string) (code int, header http.Header, err error) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header, err
}

// TestStop: SIGTERM loses none of the requests in flight, and their spans arrive.
func TestStop(t *testing.T) {
	t.Parallel()
	const requests = 20
	p, zipkin := newProgram(), servertest.NewCollector(t)
	s := servertest.Start(t, p.run, "OTEL_EXPORTER_ZIPKIN_ENDPOINT="+zipkin.Endpoint)
	var answered sync.WaitGroup
	var codes [requests]int
	for i := range requests {
		answered.Go(func() { codes[i], _, _ = get(t, s.URL+"/hold") })
	}
	for range requests {
		<-p.held
	}
	s.Terminate()
	await(t, "new connections to be refused", func() bool { _, _, err := get(t, s.URL+"/hello"); return err != nil })
	if code, _, err := get(t, s.Admin+"/readyz"); err != nil || code != 503 {
		t.Errorf("/readyz while stopping: %d, %v; wanted 503", code, err)
	}
	close(p.release)
	answered.Wait()
	if code := s.Wait(); code != 0 {
		t.Errorf("exit code %d, wanted 0:\n%s", code, s.Logs())
	}
	for i, code := range codes {
		if code != 200 {
			t.Errorf("request %d: %d, wanted 200", i, code)
		}
	}
	spans := 0
	for _, span := range zipkin.Spans() {
		if span.Name == "get /hold" {
			spans++
		}
	}
	if spans != requests {
		t.Errorf("%d spans arrived, wanted %d", spans, requests)
	}
}

// TestDrainDelay: after SIGTERM the service is immediately not ready, but continues to serve, on new connections and on idle ones, with
// Connection: close. The delay is longer than that takes on any machine; a second signal ends it.
func TestDrainDelay(t *testing.T) {
	t.Parallel()
	p := newProgram()
	s := servertest.Start(t, p.run, "DRAIN_DELAY=10m")
	idle := dial(t, s.URL)
	if got := idle.ask("/hello"); !strings.HasPrefix(got, "HTTP/1.1 200") || strings.Contains(got, "Connection: close") {
		t.Fatalf("before: %s", got)
	}
	s.Terminate()
	await(t, "/readyz to say 503", func() bool { code, _, _ := get(t, s.Admin+"/readyz"); return code == 503 })
	if got := idle.ask("/hello"); !strings.HasPrefix(got, "HTTP/1.1 200") || !strings.Contains(got, "Connection: close") {
		t.Errorf("on an idle connection while draining: %s", got)
	}
	if code, _, err := get(t, s.URL+"/hello"); err != nil || code != 200 {
		t.Errorf("on a new connection while draining: %d, %v", code, err)
	}
	s.Terminate()
	s.Wait()
}

// TestDrainDelayEnds: after the delay the service stops as it does without one.
func TestDrainDelayEnds(t *testing.T) {
	t.Parallel()
	const delay = 100 * time.Millisecond
	s := servertest.Start(t, newProgram().run, "DRAIN_DELAY="+delay.String())
	began := time.Now()
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took < delay {
		t.Errorf("stopped after %v, want %v at least", took, delay)
	}
}

// TestShutdownTimeout: requests that do not finish are cancelled with a 503, and the exit code is still 0.
func TestShutdownTimeout(t *testing.T) {
	t.Parallel()
	p := newProgram()
	s := servertest.Start(t, p.run, "SHUTDOWN_TIMEOUT=50ms")
	if code, _, err := get(t, s.URL+"/later"); err != nil || code != 200 {
		t.Fatalf("work left behind: %d, %v", code, err)
	}
	answered := make(chan string)
	go func() { answered <- dial(t, s.URL).ask("/hold") }()
	<-p.held
	<-p.held
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, s.Logs())
	}
	if answer := <-answered; !strings.HasPrefix(answer, "HTTP/1.1 503") {
		t.Errorf("the request that was cancelled got %q, want a 503", answer)
	}
	if logs := s.Logs(); !strings.Contains(logs, "cancelling what is still in flight") || !strings.Contains(logs, `"code":503`) {
		t.Errorf("logged:\n%s", logs)
	}
}

// TestHalfClosed: a client that has closed its sending half gets no response, not an empty one.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	p := newProgram()
	s := servertest.Start(t, p.run)
	c := dial(t, s.URL)
	answered := make(chan string)
	go func() { answered <- c.ask("/hold") }()
	<-p.held
	if err := c.c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer := <-answered; strings.HasPrefix(answer, "HTTP/") {
		t.Errorf("got %q, want the connection closed", answer)
	}
	await(t, "the log line", func() bool { return strings.Contains(s.Logs(), `"code":499`) })
}

// TestBackground: background work finishes before the exit, in the same trace.
func TestBackground(t *testing.T) {
	t.Parallel()
	p, zipkin := newProgram(), servertest.NewCollector(t)
	s := servertest.Start(t, p.run, "OTEL_EXPORTER_ZIPKIN_ENDPOINT="+zipkin.Endpoint)
	_, header, err := get(t, s.URL+"/later")
	if err != nil {
		t.Fatal(err)
	}
	<-p.held
	s.Terminate()
	await(t, "the application to close", func() bool { _, _, err := get(t, s.URL+"/hello"); return err != nil })
	close(p.release)
	if code := s.Wait(); code != 0 || !p.done.Load() {
		t.Errorf("exit code %d, work done: %v", code, p.done.Load())
	}
	if span := zipkin.Find("sample", "later"); span.TraceID != header.Get("X-B3-Traceid") {
		t.Errorf("trace %s, wanted that of the request, %s", span.TraceID, header.Get("X-B3-Traceid"))
	}
}

// TestBackgroundPanic: a panic of background work is logged with its trace and ends only that work.
func TestBackgroundPanic(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, func(process server.Process) int {
		var cfg server.Config
		svc, err := server.Open(process, config.Program{Name: "sample"}, &cfg)
		if err != nil {
			return config.ExitCode(err)
		}
		svc.Get("/later", func(w http.ResponseWriter, r *http.Request) {
			svc.Go(r.Context(), func(context.Context) { panic("bad luck") })
			server.Hello(w, r)
		})
		return svc.Run()
	})
	_, header, err := get(t, s.URL+"/later")
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the panic in the log", func() bool {
		_, line, _ := strings.Cut(s.Logs(), "work in the background panicked")
		line, _, _ = strings.Cut(line, "\n")
		return strings.Contains(line, `"panic":"bad luck"`) && strings.Contains(line, header.Get("X-B3-Traceid"))
	})
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestBackgroundBounded: at most MaxBackground functions run at the same time.
func TestBackgroundBounded(t *testing.T) {
	t.Parallel()
	p := newProgram()
	p.held = make(chan struct{}, 2*server.MaxBackground)
	s := servertest.Start(t, p.run)
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for range server.MaxBackground + 10 {
		resp, err := client.Get(s.URL + "/later")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	for range server.MaxBackground {
		<-p.held
	}
	close(p.release)
	s.Stop()
	if n := len(p.held); n != 0 {
		t.Errorf("%d more ran than the limit allows", n)
	}
}

// TestSecondSignal: a second signal ends the service immediately, with requests in flight.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := newProgram()
	s := servertest.Start(t, p.run, "DRAIN_DELAY=10m")
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _, _ = get(t, s.URL+"/hold")
	}()
	<-p.held
	s.Terminate()
	s.Terminate()
	if code := s.Wait(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d, wanted 143", code)
	}
	<-answered
}

// TestInterrupt: Ctrl-C has the same effect as SIGTERM.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, newProgram().run)
	s.Signal(os.Interrupt)
	if code := s.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestPortTaken: the message for a port in use names the variable, and the exit code is 1.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	for _, variable := range []string{"PORT", "ADMIN_PORT"} {
		env := []string{"LISTEN_HOST=127.0.0.1", "PORT=0", "ADMIN_PORT=0", variable + "=" + port}
		code, stdout, stderr := servertest.Exec(t, newProgram().run, nil, env)
		if code != server.ExitFailure || stdout != "" || !strings.HasPrefix(stderr, variable+`: want a port that is free, got "`+port+`"`) {
			t.Errorf("%s: exit code %d, %s", variable, code, stderr)
		}
	}
}

// TestMisspelt: a variable with a name close to a setting's is reported at start, and the service starts nevertheless.
func TestMisspelt(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, newProgram().run, "EROR_RATE=100", "MIDDLE_SERVICE_HOST=10.0.0.1", "MIDDLE_PORT=tcp://10.0.0.1:80")
	if code, _, err := get(t, s.URL+"/hello"); err != nil || code != 200 {
		t.Errorf("%d, %v", code, err)
	}
	var lines []string
	for line := range strings.Lines(s.Logs()) {
		if strings.Contains(line, "no setting reads this variable") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 || !strings.Contains(lines[0], `"level":"warn"`) || !strings.Contains(lines[0], `"variable":"EROR_RATE","meant":"ERROR_RATE"`) {
		t.Errorf("logged %q", lines)
	}
}

// TestHealthy: --healthy checks a running service and prints the reason if it is not healthy.
func TestHealthy(t *testing.T) {
	t.Parallel()
	p := newProgram()
	s := servertest.Start(t, p.run, "DRAIN_DELAY=10m")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.Admin, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (int, string) {
		code, _, stderr := servertest.Exec(t, p.run, []string{"--healthy"}, []string{"ADMIN_PORT=" + port})
		return code, stderr
	}
	await(t, "the check to succeed", func() bool { // the check has a timeout of one second, which may be short on a busy machine
		code, stderr := ask()
		return code == 0 && stderr == ""
	})
	s.Terminate()
	await(t, "the check to fail", func() bool {
		code, stderr := ask()
		return code == 1 && stderr == "503 Service Unavailable: stopping\n"
	})
	s.Terminate()
	s.Wait()
	if code, stderr := ask(); code != 1 || !strings.Contains(stderr, "refused") {
		t.Errorf("gone: %d %s", code, stderr)
	}
}

// TestTogether: several services run independently in one process.
func TestTogether(t *testing.T) {
	t.Parallel()
	one := servertest.Start(t, newProgram().run, "SERVICE_NAME=one", "ERROR_RATE=100")
	two := servertest.Start(t, newProgram().run, "SERVICE_NAME=two")
	if code, _, _ := get(t, one.URL+"/hello"); code != 500 {
		t.Errorf("one: %d", code)
	}
	if code, header, _ := get(t, two.URL+"/hello"); code != 200 || !strings.HasPrefix(header.Get("X-Served-By"), "two-dev/") {
		t.Errorf("two: %d by %s", code, header.Get("X-Served-By"))
	}
	if strings.Contains(two.Logs(), "one") {
		t.Errorf("two logged %s", two.Logs())
	}
}

// TestStopUnderLoad sends requests over kept connections, and stops the service meanwhile. With a drain delay none of them fails: each
// connection ends with a response that has Connection: close.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, newProgram().run, "DRAIN_DELAY=10m")
	var clients sync.WaitGroup
	var sent atomic.Int64
	for range 8 {
		clients.Go(func() {
			for c := dial(t, s.URL); c != nil; {
				answer := c.ask("/hello")
				sent.Add(1)
				if !strings.HasPrefix(answer, "HTTP/1.1 200") {
					t.Errorf("after %d requests: %q", sent.Load(), answer)
					return
				}
				if strings.Contains(answer, "Connection: close") {
					return
				}
			}
		})
	}
	await(t, "some load", func() bool { return sent.Load() > 500 })
	s.Terminate()
	clients.Wait()
	s.Terminate() // the delay has been long enough
	s.Wait()
}

// conn is a client's connection that stays open and is never reopened.
type conn struct {
	t  *testing.T
	c  net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, url string) *conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(func() { c.Close() })
	return &conn{t, c, bufio.NewReader(c)}
}

// ask sends a GET and returns the status line and the header, or the error.
func (c *conn) ask(path string) string {
	_ = c.c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(c.c, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path); err != nil {
		return err.Error()
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err.Error()
	}
	closes := ""
	if resp.Close {
		closes = "\nConnection: close"
	}
	return resp.Proto + " " + resp.Status + closes
}

// await waits for a condition.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited too long for %s", what)
		}
	}
}
