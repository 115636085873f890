package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/bundle"
	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/internal/tty"
)

// programs builds the services and hopline once for all tests, from this module's checkout.
var programs = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		return "", err
	}
	return programsDir(), bundle.Build(context.Background(), root, programsDir(), "services/suite", "lab/cmd/hopline")
})

// programsDir returns the directory of the built programs; it is removed after the tests.
func programsDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("hopline-test-%d", os.Getpid()))
}

// deployCopy returns a copy of the shipped deploy/ that the test may edit, with shorter delays at the end of pods.
func deployCopy(t *testing.T) string {
	t.Helper()
	dir := shipped.Deploy(t)
	pod := filepath.Join(dir, "components/every-pod/pod.yaml")
	text, err := os.ReadFile(pod)
	if err != nil {
		t.Fatal(err)
	}
	for slow, quick := range map[string]string{`sleep: \{seconds: \d+\}`: "sleep: {seconds: 1}", `DRAIN_DELAY, value: \w+`: "DRAIN_DELAY, value: 200ms"} {
		text = regexp.MustCompile(slow).ReplaceAll(text, []byte(quick))
	}
	if err := os.WriteFile(pod, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// edit replaces a text that occurs once in a file. It replaces the whole file in one step, so that a lab that watches it never reads a
// part.
func edit(t *testing.T, file, old, new string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), old); n != 1 {
		t.Fatalf("%s holds %q %d times, want once", file, old, n)
	}
	edited := filepath.Join(t.TempDir(), "edited")
	if err := os.WriteFile(edited, []byte(strings.Replace(string(text), old, new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(edited, file); err != nil {
		t.Fatal(err)
	}
}

// screenful collects the output of a hopline under test.
type screenful struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newScreenful() *screenful { return &screenful{more: make(chan struct{}, 1)} }

func (s *screenful) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(data)
}

func (s *screenful) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// suite is a running `hopline up`.
type suite struct {
	t      *testing.T
	deploy string // its copy of deploy/
	screen *screenful
	client *http.Client
	urls   map[string]string // by the label before them: "Page", "Console" …
	stop   func()            // Ctrl-C
	ended  chan int          // exit code
}

// addresses returns the addresses that `hopline up` prints, without a trailing slash, by the labels before them.
func addresses(text string) map[string]string {
	urls := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^  (\w+) +(http://\S+)`).FindAllStringSubmatch(text, -1) {
		urls[m[1]] = strings.TrimSuffix(m[2], "/")
	}
	if urls["Ingress"] == "" {
		urls["Ingress"] = strings.TrimSuffix(urls["Page"], "/demo-app")
	}
	return urls
}

// in returns the suite for a subtest.
func (s *suite) in(t *testing.T) *suite {
	within := *s
	within.t = t
	return &within
}

// anyPorts holds the flags that let tests run in parallel.
var anyPorts = []string{"--ingress-port=0", "--console-port=0", "--zipkin-port=0", "--otlp-port=0"}

// start runs `hopline up` on an overlay in a copy of deploy/, in this process through main's own entry, and waits until it is ready.
func start(t *testing.T, overlay string, prepare func(deploy string), flags ...string) *suite {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	deploy := deployCopy(t)
	if prepare != nil {
		prepare(deploy)
	}
	s := startWith(t, bin, append(slices.Clone(flags), filepath.Join(deploy, "overlays", overlay)))
	s.deploy = deploy
	return s
}

// startWith runs `hopline up` with some arguments and waits until it is ready.
func startWith(t *testing.T, bin string, flags []string) *suite {
	t.Helper()
	s := &suite{
		t: t, screen: newScreenful(), ended: make(chan int, 1),
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	stop, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	args := append([]string{"up", "--bin", bin, "--build=never"}, anyPorts...)
	args = append(args, flags...)
	go func() {
		s.ended <- run(program{stop: stop, now: context.Background(), args: args, out: tty.New(s.screen), err: tty.New(s.screen)})
	}()
	t.Cleanup(s.end)
	s.waitFor("the addresses", func() bool { return strings.Contains(s.screen.String(), "Ctrl-C stops everything") })
	s.urls = addresses(s.screen.String())
	return s
}

// end stops the suite, once, and checks its exit code.
func (s *suite) end() {
	s.stop()
	select {
	case code := <-s.ended:
		s.ended <- code
		if code != 0 {
			s.t.Errorf("hopline ended with %d:\n%s", code, s.screen)
		}
	case <-time.After(30 * time.Second):
		s.t.Errorf("hopline has not ended after 30 s:\n%s", s.screen)
	}
	s.client.CloseIdleConnections()
}

// waitFor waits until a condition is true.
func (s *suite) waitFor(what string, done func() bool) {
	s.t.Helper()
	waitFor(s.t, what, s.screen, done)
}

func waitFor(t *testing.T, what string, screen *screenful, done func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-screen.more:
		case <-deadline:
			t.Fatalf("waited 30 s for %s; hopline said:\n%s", what, screen)
		}
	}
}

// answer holds the response to a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// get sends a request for a path to one of the addresses. header holds alternating names and values.
func (s *suite) get(of, path string, header ...string) answer {
	s.t.Helper()
	a, err := s.try(of, path, header...)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *suite) try(of, path string, header ...string) (answer, error) {
	request, err := http.NewRequest(http.MethodGet, s.urls[of]+path, nil)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			request.Host = header[i+1]
		}
	}
	response, err := s.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

// hops requests the hop lines and returns who responded at each hop: front, middle, core, clock.
func (s *suite) hops(header ...string) []string {
	s.t.Helper()
	a := s.get("Page", "/hops", header...)
	if a.status != http.StatusOK {
		s.t.Fatalf("/hops: status %d, %s", a.status, a.body)
	}
	return whoAnswered(a.body)
}

func whoAnswered(lines string) []string {
	var who []string
	for _, m := range regexp.MustCompile(`(?m)^took \([\d.]+ ms\) (\S+)`).FindAllStringSubmatch(lines, -1) {
		who = append(who, m[1])
	}
	return who
}

// state returns the console's state.
func (s *suite) state() (state struct {
	Revision  int
	Problems  []struct{ Object, Path, Reason string }
	Workloads []struct {
		Name     string
		Restarts int
		Pods     []struct {
			Name    string
			State   string
			Process int
		}
	}
}) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.get("Console", "/api/state").body), &state); err != nil {
		s.t.Fatal(err)
	}
	return state
}

// pods returns the process ids of a workload's pods, by pod name.
func (s *suite) pods(workload string) map[string]int {
	s.t.Helper()
	pods := map[string]int{}
	for _, w := range s.state().Workloads {
		if w.Name == workload {
			for _, p := range w.Pods {
				pods[p.Name] = p.Process
			}
		}
	}
	return pods
}

// processes returns all process ids.
func (s *suite) processes() []int {
	s.t.Helper()
	var all []int
	for _, w := range s.state().Workloads {
		for _, p := range w.Pods {
			if p.Process != 0 {
				all = append(all, p.Process)
			}
		}
	}
	return all
}

// alive reports whether a process is running. On systems where that cannot be checked by process id only, it skips the test.
func alive(t *testing.T, process int) bool {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be looked for by its number here")
	}
	p, err := os.FindProcess(process)
	if err != nil {
		t.Fatal(err)
	}
	return p.Signal(syscall.Signal(0)) == nil // only checks whether it exists
}
