package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/internal/tty"
)

// TestCanary runs the suite from start to end on the default overlay.
func TestCanary(t *testing.T) {
	t.Parallel()
	users := &usersZipkin{services: map[string]bool{}}
	zipkin := httptest.NewServer(users)
	defer zipkin.Close()
	s := start(t, "canary", nil, "--zipkin="+zipkin.URL)
	step := func(name string, test func(*testing.T, *suite)) {
		t.Run(name, func(t *testing.T) { test(t, s.in(t)) })
	}
	step("leads by header", leadsByHeader)
	step("explain knows the endpoints", explainKnowsTheEndpoints)
	step("logs of a trace", logsOfATrace)
	step("state and traces", stateAndTraces)
	step("Prometheus finds every process", prometheusFindsEveryProcess)
	step("one trace from the ingress to the clock", oneTraceToTheClock)
	step("spans go to the user's Zipkin too", func(t *testing.T, s *suite) {
		s.waitFor("spans of all", func() bool { return users.has("istio-ingressgateway", "front", "middle", "core", "clock") })
	})
	step("an ended process is started again", endedProcessIsStartedAgain)
	step("a saved weight shifts the traffic", savedWeightShiftsTheTraffic)
	step("mirrored requests are counted and not traced", copiesCountAndAreNotTraced)
	step("a broken edit keeps what runs", brokenEditKeepsWhatRuns)
	step("a rolling update loses no request", rollingUpdateLosesNoRequest)
	step("ending leaves nothing behind", endingLeavesNothingBehind)
}

func leadsByHeader(t *testing.T, s *suite) {
	for range 30 {
		got := s.hops("x-dev-user", "betaUser")
		if diff := cmp.Diff([]string{"middle-dev", "core-test", "clock-prod"}, got[1:]); diff != "" {
			t.Fatalf("betaUser (-want +got):\n%s", diff)
		}
		if got := s.hops("x-dev-user", "stressTest"); got[2] != "core-test" || got[1] == "middle-dev" {
			t.Fatalf("stressTest: %v responded", got)
		}
	}

	// Four fifths and one fifth; with these bounds a correct suite fails once in a million runs (4.9 σ).
	const n = 800
	counts := s.count(n)
	canary := float64(counts["middle-canary"])
	if bound := 4.9 * math.Sqrt(n*0.2*0.8); math.Abs(canary-n*0.2) > bound {
		t.Errorf("%v of %d responses were middle-canary's, want %d ± %.0f", canary, n, n/5, bound)
	}
	if counts["middle-dev"] != 0 || counts["core-test"] != 0 {
		t.Errorf("middle-dev and core-test responded %d and %d times, want 0: no request was for them", counts["middle-dev"], counts["core-test"])
	}
	for _, front := range []string{"front-amber", "front-blue", "front-green"} {
		if counts[front] == 0 {
			t.Errorf("%s has not responded once", front)
		}
	}
}

// count requests the hop lines n times, a few concurrently, and counts who responded.
func (s *suite) count(n int, header ...string) map[string]int {
	s.t.Helper()
	var mu sync.Mutex
	counts := map[string]int{}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range n / 4 {
				a, err := s.try("Page", "/hops", header...)
				if err != nil || a.status != http.StatusOK {
					s.t.Errorf("/hops: %v, status %d, %s", err, a.status, a.body)
					return
				}
				mu.Lock()
				for _, who := range whoAnswered(a.body) {
					counts[who]++
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return counts
}

func savedWeightShiftsTheTraffic(t *testing.T, s *suite) {
	middle := filepath.Join(s.deploy, "overlays/canary/middle.yaml")
	weights := func(prod, canary int) string {
		return fmt.Sprintf("subset: prod}, weight: %d}\n        - {destination: {host: middle, port: {number: 80}, subset: canary}, weight: %d}", prod, canary)
	}
	edit(t, middle, weights(80, 20), weights(0, 100))
	// BenchmarkUp measures the time, on an otherwise idle machine.
	deadline := time.Now().Add(30 * time.Second)
	for row := 0; row < 20; row++ { // probability of twenty in a row by chance: 0.2²⁰
		if s.hops()[1] != "middle-canary" {
			row = -1
		}
		if time.Now().After(deadline) {
			t.Fatalf("30 s after the save not all traffic goes to middle-canary:\n%s", s.screen)
		}
	}
	revision := s.state().Revision
	edit(t, middle, weights(0, 100), weights(80, 20))
	s.waitFor("the old weights", func() bool { return s.state().Revision > revision })
}

func brokenEditKeepsWhatRuns(t *testing.T, s *suite) {
	middle := filepath.Join(s.deploy, "overlays/canary/middle.yaml")
	before := s.state().Revision
	edit(t, middle, "weight: 80", "wait: 80")
	s.waitFor("the warning", func() bool { return strings.Contains(s.screen.String(), "The previous state keeps running") })
	for _, want := range []string{"VirtualService hopline/middle", "spec.http[1].route[0].wait"} {
		if !strings.Contains(s.screen.String(), want) {
			t.Errorf("the terminal does not name %s:\n%s", want, s.screen)
		}
	}
	state := s.state()
	if len(state.Problems) == 0 || state.Problems[0].Object != "VirtualService hopline/middle" || state.Revision != before {
		t.Errorf("the console has problems %v of revision %d, want one of VirtualService hopline/middle and revision %d", state.Problems, state.Revision, before)
	}
	if got := s.hops(); !strings.HasPrefix(got[1], "middle-") {
		t.Errorf("hops %v", got)
	}
	edit(t, middle, "wait: 80", "weight: 80")
	s.waitFor("the corrected edition", func() bool { state := s.state(); return len(state.Problems) == 0 && state.Revision > before })
}

func rollingUpdateLosesNoRequest(t *testing.T, s *suite) {
	before := s.pods("hopline/middle-prod")
	var stop atomic.Bool
	var asked atomic.Int64
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			for !stop.Load() {
				a, err := s.try("Page", "/hops")
				if asked.Add(1); err != nil || a.status != http.StatusOK {
					t.Errorf("during the update: %v, status %d, %s", err, a.status, a.body)
					return
				}
			}
		})
	}
	defer clients.Wait()
	defer stop.Store(true)

	edit(t, filepath.Join(s.deploy, "base/middle.yaml"), "containers:\n        - name: app\n", "containers:\n        - name: app\n          args: [--latency=1ms]\n")
	s.waitFor("the new pod", func() bool { return len(s.pods("hopline/middle-prod")) > 1 })
	s.waitFor("the old pod's end", func() bool {
		now := s.pods("hopline/middle-prod")
		for name := range before {
			if _, still := now[name]; still {
				return false
			}
		}
		return len(now) == 1
	})
	if n := asked.Load(); n < 50 {
		t.Errorf("only %d requests were sent during the update", n)
	}
}

func endedProcessIsStartedAgain(t *testing.T, s *suite) {
	before := s.pods("hopline/minimal-v1")
	if _, err := s.try("Ingress", "/crash", "Host", "minimal.svc.kind.org"); err == nil {
		t.Log("the process responded before it ended")
	}
	s.waitFor("the restart", func() bool {
		for _, w := range s.state().Workloads {
			if w.Name == "hopline/minimal-v1" && w.Restarts == 1 && w.Pods[0].State == "ready" {
				return w.Pods[0].Process != before[w.Pods[0].Name]
			}
		}
		return false
	})
	if !regexp.MustCompile(`! minimal-v1-\S+ exited with code 137: crashing, as requested; started again immediately`).MatchString(s.screen.String()) {
		t.Errorf("the terminal does not warn of it:\n%s", s.screen)
	}
	if a := s.get("Ingress", "/", "Host", "minimal.svc.kind.org"); a.status != http.StatusOK {
		t.Errorf("afterwards minimal responds with %d", a.status)
	}
}

func endingLeavesNothingBehind(t *testing.T, s *suite) {
	processes := s.processes()
	if len(processes) < 10 {
		t.Fatalf("%d processes run", len(processes))
	}
	// Requests in flight at the stop are finished: the slow page takes three seconds. The test requests it until one is seen in flight,
	// because a busy machine may need longer than that to check.
	var ended atomic.Bool
	var slow sync.WaitGroup
	slow.Go(func() {
		for !ended.Load() {
			if a, err := s.try("Page", "/slow-page"); err != nil || a.status != http.StatusOK || !strings.Contains(a.body, "slow request that took") {
				t.Errorf("the request in flight got %v, status %d, %s", err, a.status, a.body)
			}
		}
	})
	s.waitFor("the request", func() bool { return s.inFlight("core") > 0 })
	ended.Store(true)
	s.end()
	slow.Wait()
	for _, p := range processes {
		if alive(t, p) {
			t.Errorf("process %d still runs", p)
		}
	}
}

// inFlight returns how many requests the processes of an app are handling, by their own metrics.
func (s *suite) inFlight(app string) int {
	s.t.Helper()
	n := 0
	for _, target := range s.targets() {
		if target["app"] != app {
			continue
		}
		a := s.get("Console", target["__metrics_path__"])
		if m := regexp.MustCompile(`(?m)^http_server_requests_in_flight\S* (\d+)`).FindStringSubmatch(a.body); m != nil {
			in, _ := strconv.Atoi(m[1])
			n += in
		}
	}
	return n
}

// targets returns the labels of the targets that /sd lists.
func (s *suite) targets() []map[string]string {
	s.t.Helper()
	var groups []struct {
		Targets []string
		Labels  map[string]string
	}
	if err := json.Unmarshal([]byte(s.get("Console", "/sd").body), &groups); err != nil {
		s.t.Fatal(err)
	}
	var all []map[string]string
	for _, g := range groups {
		if len(g.Targets) != 1 || "http://"+g.Targets[0] != s.urls["Console"] {
			s.t.Errorf("target %v, want the console, %s", g.Targets, s.urls["Console"])
		}
		all = append(all, g.Labels)
	}
	return all
}

func prometheusFindsEveryProcess(t *testing.T, s *suite) {
	s.hops()
	found := map[string]bool{}
	for _, target := range s.targets() {
		found[target["namespace"]+"/"+target["app"]+"/"+target["version"]] = true
		a := s.get("Console", target["__metrics_path__"], "Accept", "application/openmetrics-text; version=1.0.0")
		if a.status != http.StatusOK || !strings.Contains(a.body, "go_goroutines") || !strings.HasSuffix(strings.TrimSpace(a.body), "# EOF") {
			t.Errorf("%s: status %d, want OpenMetrics of a Go process", target["__metrics_path__"], a.status)
		}
	}
	for _, want := range []string{
		"hopline/front/amber", "hopline/front/blue", "hopline/front/green", "hopline/middle/prod", "hopline/middle/canary", "hopline/middle/dev",
		"hopline/core/prod", "hopline/core/test", "hopline/clock/prod", "hopline/bounced/prod", "hopline/minimal/v1", "hopline/minimal/v2",
	} {
		if !found[want] {
			t.Errorf("/sd lists no %s", want)
		}
	}
	if a := s.get("Console", "/pods/nobody/metrics"); a.status != http.StatusNotFound {
		t.Errorf("a pod that is not there: status %d, want 404", a.status)
	}
	mesh := s.get("Console", "/metrics").body
	for _, want := range []string{"istio_requests_total{", "istio_request_duration_milliseconds_bucket{", `source_workload="istio-ingressgateway"`} {
		if !strings.Contains(mesh, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	if a := s.get("Console", "/sd", "Host", "rebound.example.org"); a.status != http.StatusMisdirectedRequest {
		t.Errorf("/sd by an unknown host name: status %d, want 421", a.status)
	}
}

// span holds the fields of a span that the trace tests need.
type span struct {
	TraceID, ParentID, ID, Kind, Name string
	LocalEndpoint                     struct{ ServiceName string }
}

// trace waits until a trace has the given number of server spans of the suite's services.
func (s *suite) trace(id string, servers int) []span {
	s.t.Helper()
	var spans []span
	s.waitFor("the trace", func() bool {
		spans = nil
		a := s.get("Zipkin", "/api/v2/trace/"+id)
		if a.status != http.StatusOK {
			return false
		}
		if err := json.Unmarshal([]byte(a.body), &spans); err != nil {
			s.t.Fatal(err)
		}
		n := 0
		for _, sp := range spans {
			if sp.Kind == "SERVER" {
				n++
			}
		}
		return n >= servers
	})
	return spans
}

// oneTraceToTheClock requests the hop lines and checks that there is one trace from the ingress to the clock, in which every span has its
// parent.
func oneTraceToTheClock(t *testing.T, s *suite) {
	id := s.get("Page", "/hops", "x-dev-user", "betaUser").header.Get("x-b3-traceid")
	spans := s.trace(id, 4)
	byID := map[string]span{}
	for _, sp := range spans {
		byID[sp.ID] = sp
	}
	// The callers, from the clock's server span up to the root.
	var path []string
	for _, sp := range spans {
		if _, ok := byID[sp.ParentID]; sp.ParentID != "" && !ok {
			t.Errorf("span %s %s of %s is an orphan", sp.Kind, sp.Name, sp.LocalEndpoint.ServiceName)
		}
		if sp.Kind == "SERVER" && sp.LocalEndpoint.ServiceName == "clock" {
			for at, ok := sp, true; ok; at, ok = byID[at.ParentID] {
				if n := len(path); n == 0 || path[n-1] != at.LocalEndpoint.ServiceName {
					path = append(path, at.LocalEndpoint.ServiceName)
				}
			}
		}
	}
	slices.Reverse(path)
	if diff := cmp.Diff([]string{"istio-ingressgateway", "front", "middle", "core", "clock"}, path); diff != "" {
		t.Errorf("the way to the clock (-want +got):\n%s\n%+v", diff, spans)
	}
	roots := slices.DeleteFunc(spans, func(sp span) bool { return sp.ParentID != "" })
	if len(roots) != 1 || roots[0].LocalEndpoint.ServiceName != "istio-ingressgateway" {
		t.Errorf("roots %+v, want only the gateway's", roots)
	}
}

// usersZipkin is the user's own Zipkin: it records the services of the spans that it receives.
type usersZipkin struct {
	mu       sync.Mutex
	services map[string]bool
}

func (z *usersZipkin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var spans []span
	if json.NewDecoder(r.Body).Decode(&spans) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, sp := range spans {
		z.services[sp.LocalEndpoint.ServiceName] = true
	}
	w.WriteHeader(http.StatusAccepted)
}

func (z *usersZipkin) has(services ...string) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	return !slices.ContainsFunc(services, func(name string) bool { return !z.services[name] })
}

func TestPlainRunsWithoutAMesh(t *testing.T) {
	t.Parallel()
	s := start(t, "plain", func(deploy string) {
		edit(t, filepath.Join(deploy, "overlays/plain/front.yaml"), "nodePort: 30100", fmt.Sprintf("nodePort: %d", freeNodePort(t)))
	})
	a := s.get("Page", "/hops", "Accept", "text/plain")
	if got := whoAnswered(a.body); a.status != http.StatusOK || len(got) < 3 || !strings.HasPrefix(got[0], "front-") {
		t.Errorf("status %d, %s", a.status, a.body)
	}
	for _, header := range []string{"x-envoy-upstream-service-time", "x-envoy-attempt-count"} {
		if a.header.Get(header) != "" {
			t.Errorf("without a mesh the response has %s", header)
		}
	}
	if metrics := s.get("Console", "/metrics").body; strings.Contains(metrics, "istio_requests_total{") {
		t.Error("without a mesh there are mesh metrics")
	}
}

// freeNodePort returns a free port in Kubernetes' NodePort range.
func freeNodePort(t *testing.T) int {
	t.Helper()
	for port := 30001 + os.Getpid()%2000; port < 32768; port++ {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free node port")
	return 0
}

func TestTakenPortsAreNamedWithTheirFlags(t *testing.T) {
	t.Parallel()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	var args []string
	var wants []string
	for _, flag := range []string{"--ingress-port", "--console-port", "--zipkin-port", "--otlp-port"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		args = append(args, fmt.Sprintf("%s=%d", flag, port))
		wants = append(wants, fmt.Sprintf("port %d on 127.0.0.1, for .*: already in use by another program; %s sets another one", port, flag))
	}
	screen := newScreenful()
	code := run(program{
		stop: t.Context(), now: context.Background(), out: tty.New(screen), err: tty.New(screen),
		args: append(append([]string{"up", "--bin", bin, "--build=never"}, args...), shipped.Overlay(t, "canary")),
	})
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range wants {
		if !regexp.MustCompile(want).MatchString(screen.String()) {
			t.Errorf("the message has no %q:\n%s", want, screen)
		}
	}
}

func explainKnowsTheEndpoints(t *testing.T, s *suite) {
	explain := func(overlay ...string) string {
		out := newScreenful()
		code := run(program{
			stop: t.Context(), now: t.Context(), out: tty.New(out), err: tty.New(out),
			args: append([]string{"explain", "GET", "http://middle/hops", "--from=front-blue", "--console-port=" + portOf(s.urls["Console"])}, overlay...),
		})
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, out)
		}
		return out.String()
	}
	canary := filepath.Join(s.deploy, "overlays/canary")
	text := explain() // of the overlay that the lab runs
	if first := "rules of the lab at " + s.urls["Console"] + ": overlay " + canary + "\n"; !strings.HasPrefix(text, first) {
		t.Errorf("the explanation does not begin with %q:\n%s", first, text)
	}
	if named := explain("--overlay=" + canary); !strings.HasPrefix(named, "rules of overlay "+canary+", which the lab at ") {
		t.Errorf("of a named overlay the explanation says:\n%s", named)
	}
	for pod := range s.pods("hopline/middle-prod") {
		if !regexp.MustCompile(`(?m)^ +` + pod + ` 127\.0\.0\.1:\d+ ready$`).MatchString(text) {
			t.Errorf("the explanation has no endpoint %s:\n%s", pod, text)
		}
	}
	if text := explain("--overlay=" + filepath.Join(s.deploy, "overlays/prod")); !strings.Contains(text, "the lab does not run it") {
		t.Errorf("the lab runs another overlay, and the explanation says:\n%s", text)
	}
}

func portOf(url string) string {
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	return port
}
