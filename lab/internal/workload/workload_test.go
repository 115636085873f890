package workload

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

func TestProcessGetsTheManifestAndTheLabsListAlone(t *testing.T) {
	t.Setenv("OF_THE_SHELL", "must not be seen")
	b := newBench(t)
	b.apply(server("front", 1,
		overlay.EnvVar{Name: "SERVICE_VERSION", Field: "metadata.labels['version']"},
		overlay.EnvVar{Name: "GREETING", Value: "hello from $(SERVICE_VERSION), $(NOBODY) and $$5"},
		overlay.EnvVar{Name: "HOSTNAME", Value: "of the manifest"},
	))
	b.waitDone()
	response, err := b.get("/env")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got []string
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	pod := b.Status()[0]
	_, port, _ := net.SplitHostPort(pod.Ports[8080])
	_, admin, _ := net.SplitHostPort(pod.Ports[8081])
	want := []string{
		"TEST_PROGRAM=server",
		"SERVICE_VERSION=v1",
		"GREETING=hello from v1, $(NOBODY) and $5",
		"HOSTNAME=" + pod.Name,
		"PORT=" + port,
		"ADMIN_PORT=" + admin,
		"LISTEN_HOST=127.0.0.1",
		"HTTP_PROXY=http://" + pod.Name + ":secret@127.0.0.1:15001",
		"TRACE_UI_URL=http://localhost/{traceID}",
		"OTEL_EXPORTER_ZIPKIN_ENDPOINT=http://127.0.0.1:9/api/v2/spans",
	}
	slices.Sort(want)
	got = slices.DeleteFunc(got, func(v string) bool { return strings.HasPrefix(v, "SYSTEMROOT=") }) // which os/exec adds on Windows
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestPodIsWhatTheMeshNeeds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(server("front", 1))
	b.waitDone()
	got := b.ready()[0]
	want := mesh.Source{
		Workload: "front", Namespace: "shop", Labels: map[string]string{"app": "front", "version": "v1"},
		Principal: "cluster.local/ns/shop/sa/front",
	}
	if diff := cmp.Diff(want, got.Source); diff != "" {
		t.Errorf("source (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"http": 8080, "http-admin": 8081}, got.Names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestKilledProcessIsStartedAgainAtOnceOnItsPorts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(server("front", 1))
	b.waitDone()
	before := b.Status()[0]
	process, err := os.FindProcess(before.Process)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	b.wait("the restart", func() bool { s := b.Status()[0]; return s.Restarts == 1 && s.State == Ready })
	after := b.Status()[0]
	if after.Name != before.Name || after.Ports[8080] != before.Ports[8080] || after.Process == before.Process {
		t.Errorf("before %s %v process %d, after %s %v process %d: want the same pod and ports and another process",
			before.Name, before.Ports, before.Process, after.Name, after.Ports, after.Process)
	}
}

func TestCrashingProcessBacksOffAndSaysWhy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := server("front", 1)
	d.Pod.Containers[0].Env[0].Value = "crash"
	b.apply(d)
	b.wait("the second crash", func() bool { s := b.Status()[0]; return s.Restarts == 1 && s.State == BackOff })
	if reason := b.Status()[0].Reason; !strings.Contains(reason, "exited with code 3") || !strings.Contains(reason, "cannot start") {
		t.Errorf("reason %q, want the exit code and the last line", reason)
	}
	if lines := b.Logs().Trace("463ac35c9f6413ad48485a3953bb6124"); len(lines) != 2 {
		t.Errorf("%d lines of the trace, want one of each start", len(lines))
	}
	if len(b.ready()) != 0 {
		t.Error("the mesh got it as ready")
	}
}

func TestUnreadyPodLeavesTheEndpointsAndComesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(server("front", 1))
	b.waitDone()
	address := b.ready()[0].Ports[8080]
	if _, err := b.get("/ready?is=false"); err != nil {
		t.Fatal(err)
	}
	b.wait("leaving", func() bool { return len(b.ready()) == 0 })
	if s := b.Status()[0]; s.State != Failing || !strings.Contains(s.Reason, "503") {
		t.Errorf("state %s, reason %q; want failing because of 503", s.State, s.Reason)
	}
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, "GET /ready?is=true HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	b.wait("coming back", func() bool { return len(b.ready()) == 1 })
	if s := b.Status()[0]; s.Restarts != 0 {
		t.Errorf("%d restarts, want none: readiness does not restart", s.Restarts)
	}
}

// TestASignalIsNotOutput kills a process: how it ended and its last line are reported separately.
func TestASignalIsNotOutput(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals here")
	}
	var mu sync.Mutex
	var reasons []string
	b := newBench(t, func(o *Options) {
		tell := o.Changed
		o.Changed = func(s Status) {
			mu.Lock()
			defer mu.Unlock()
			if s.State == BackOff {
				reasons = append(reasons, s.Reason)
			}
			tell(s)
		}
	})
	b.apply(server("front", 1))
	b.waitDone()
	b.wait("a line of output", func() bool { return len(b.Logs().Pod(b.Status()[0].Name, 1)) == 1 })
	if s := b.Status()[0]; s.Ended != "" || s.LastLine != "" {
		t.Errorf("before its end: ended %q, last line %q", s.Ended, s.LastLine)
	}
	p, err := os.FindProcess(b.Status()[0].Process)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	b.wait("the restart", func() bool { return b.Status()[0].Restarts == 1 })
	if s := b.Status()[0]; s.Ended != "ended by signal: killed" || s.LastLine != "serving" {
		t.Errorf("ended %q, last line %q, want the signal and what the process wrote", s.Ended, s.LastLine)
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"ended by signal: killed"}, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestFailedProbesRestart(t *testing.T) {
	t.Parallel()
	probe := func(path string) *overlay.Probe {
		return &overlay.Probe{Path: path, Port: "8081", Period: 50 * time.Millisecond, Timeout: time.Second, Successes: 1, Failures: 3}
	}
	live, start := server("live", 1, overlay.EnvVar{Name: "TEST_LIVE", Value: "false"}), server("start", 1, overlay.EnvVar{Name: "TEST_READY", Value: "false"})
	live.Pod.Containers[0].Liveness = probe("/livez")
	start.Pod.Containers[0].Startup = probe("/readyz")
	for want, d := range map[string]overlay.Deployment{"liveness probe failed 3 times": live, "startup probe failed 3 times": start} {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.apply(d)
			b.wait("the restart", func() bool { return b.Status()[0].Restarts == 1 })
			if reason := b.Status()[0].Reason; !strings.Contains(reason, want) {
				t.Errorf("reason %q, want %q", reason, want)
			}
		})
	}
}

func TestRollingUpdateKeepsEnoughReady(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	fewest, most := 100, 0
	watching := false
	b := newBench(t, func(o *Options) {
		publish := o.Pods
		o.Pods = func(pods []mesh.Pod) {
			publish(pods)
			mu.Lock()
			defer mu.Unlock()
			ready := 0
			for _, p := range pods {
				if p.Ready {
					ready++
				}
			}
			if watching {
				fewest, most = min(fewest, ready), max(most, ready)
			}
		}
	})
	b.apply(server("front", 4))
	b.waitDone()
	old := b.Status()
	mu.Lock()
	watching = true
	mu.Unlock()
	b.apply(server("front", 4, overlay.EnvVar{Name: "ERROR_RATE", Value: "5"}))
	b.waitDone()
	mu.Lock()
	defer mu.Unlock()
	if fewest < 3 || most > 5 {
		t.Errorf("from %d to %d pods were ready, want 3 to 5: 25%% of 4 either way", fewest, most)
	}
	for _, p := range b.Status() {
		if slices.ContainsFunc(old, func(o Status) bool { return o.Name == p.Name }) {
			t.Errorf("pod %s is still the old one", p.Name)
		}
	}
}

func TestBrokenUpdateKeepsTheOldPodsServing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(server("front", 2))
	b.waitDone()
	broken := server("front", 2)
	broken.Pod.Containers[0].Env[0].Value = "crash"
	b.apply(broken)
	b.wait("the new pod's crash", func() bool {
		return slices.ContainsFunc(b.Status(), func(s Status) bool { return s.State == BackOff && s.Restarts > 0 })
	})
	if n := len(b.ready()); n != 2 {
		t.Errorf("%d pods are ready during a broken update, want 2", n)
	}
	b.apply(server("front", 2)) // as it was
	b.waitDone()
	for _, s := range b.Status() {
		if s.Restarts > 0 {
			t.Errorf("pod %s was restarted, want the two first ones untouched", s.Name)
		}
	}
}

func TestScalingAndRemoving(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, replicas := range []int{1, 3, 2, 0} {
		b.apply(server("front", replicas))
		b.waitDone()
		if n := len(b.Status()); n != replicas {
			t.Errorf("%d pods, want %d", n, replicas)
		}
	}
	b.apply(server("front", 1), server("back", 1))
	b.waitDone()
	b.apply(server("back", 1))
	b.wait("front's end", func() bool { return len(b.Status()) == 1 })
	if got := b.Status()[0].Deployment; got != "shop/back" {
		t.Errorf("%s is left, want shop/back", got)
	}
}

func TestPodLeavesTheEndpointsBeforeItsProcessHears(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var order []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	b := newBench(t, func(o *Options) {
		publish, line := o.Pods, o.Line
		o.Pods = func(pods []mesh.Pod) {
			for _, p := range pods {
				if !p.Ready {
					note("not ready")
				}
			}
			publish(pods)
		}
		o.Line = func(l podlog.Line) { note(l.Text); line(l) }
	})
	d := server("front", 1)
	d.Pod.Containers[0].PreStop = 200 * time.Millisecond
	b.apply(d)
	b.waitDone()
	mu.Lock()
	order = nil
	mu.Unlock()
	begun := time.Now()
	b.apply()
	b.wait("the end", func() bool { return len(b.Status()) == 0 })
	if took := time.Since(begun); took < 200*time.Millisecond {
		t.Errorf("the pod was gone after %v, want preStop's 200 ms waited", took)
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"not ready", "stopping"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestStubbornProcessIsKilledAfterItsGrace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := server("front", 1, overlay.EnvVar{Name: "TEST_STUBBORN", Value: "true"})
	d.Pod.Grace = 300 * time.Millisecond
	b.apply(d)
	b.waitDone()
	begun := time.Now()
	b.Close(context.Background())
	if took := time.Since(begun); took < 300*time.Millisecond || took > time.Minute {
		t.Errorf("closing took %v, want the grace of 300 ms and little more", took)
	}
	if n := len(b.Status()); n != 0 {
		t.Errorf("%d pods are left", n)
	}
}

func TestCloseCutsADrainShort(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := server("front", 2, overlay.EnvVar{Name: "TEST_DRAIN", Value: "true"})
	d.Pod.Grace, d.Pod.Containers[0].PreStop = time.Hour, time.Hour
	b.apply(d)
	b.waitDone()
	begun := time.Now()
	b.Close(context.Background())
	if took := time.Since(begun); took < drainGrace || took > time.Minute {
		t.Errorf("closing took %v, want little more than %v", took, drainGrace)
	}
}

func TestReplaceCutsADrainShort(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := server("front", 2, overlay.EnvVar{Name: "TEST_DRAIN", Value: "true"})
	d.Pod.Grace, d.Pod.Containers[0].PreStop = time.Hour, time.Hour
	b.apply(d)
	b.waitDone()
	first := b.Status()[0].Name
	if err := b.Drain(first); err != nil { // it would drain for an hour
		t.Fatal(err)
	}
	b.wait("the pod in its place", func() bool { return len(b.Status()) == 3 })
	old := b.Replace()
	if len(old) != 3 || !slices.Contains(old, first) {
		t.Errorf("replaced %v, want two that ran and %s, which was draining", old, first)
	}
	b.wait("others", func() bool {
		pods := b.Status()
		return len(pods) == 2 && !slices.ContainsFunc(pods, func(p Status) bool { return slices.Contains(old, p.Name) })
	})
	b.waitDone()
}

func TestCloseAtOnceWhenToldTo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := server("front", 3, overlay.EnvVar{Name: "TEST_STUBBORN", Value: "true"})
	d.Pod.Grace = time.Hour
	b.apply(d)
	b.waitDone()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	begun := time.Now()
	b.Close(ctx)
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("closing took %v", took)
	}
}

func TestTakenPortIsChangedWithoutCountingAsACrash(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	// Another program takes the first ports between the check and the process's own bind.
	var taken []net.Listener
	b.mu.Lock()
	first := b.Supervisor.ports.next
	b.mu.Unlock()
	proxy := b.options.Proxy
	b.Supervisor.options.Proxy = func(pod *mesh.Pod) string {
		if len(taken) == 0 {
			listener, err := net.Listen("tcp", pod.Ports[8080])
			if err != nil {
				t.Error(err)
				return ""
			}
			taken = append(taken, listener)
		}
		return proxy(pod)
	}
	b.apply(server("front", 1))
	b.waitDone()
	for _, l := range taken {
		_ = l.Close()
	}
	s := b.Status()[0]
	if s.Restarts != 0 {
		t.Errorf("%d restarts, want none", s.Restarts)
	}
	if len(taken) != 1 || s.Ports[8080] == taken[0].Addr().String() {
		t.Errorf("ports %v after %v was taken (first free was %d)", s.Ports, taken, first)
	}
}

func TestApplyRefusesAllThatIsWrongAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(server("front", 1))
	b.waitDone()
	missing, port, probe := server("back", 1), server("side", 1), server("top", 1)
	missing.Pod.Containers[0].Image = "localhost:5001/hopline/nothing@sha256:00"
	port.Pod.Containers[0].Env = append(port.Pod.Containers[0].Env, overlay.EnvVar{Name: "PORT", Value: "http"})
	probe.Pod.Containers[0].Readiness.Port = "grpc"
	err := b.Apply(&overlay.Overlay{Deployments: []overlay.Deployment{missing, port, probe}})
	var report *overlay.Report
	if !errors.As(err, &report) || len(report.Problems) != 3 {
		t.Fatalf("error %v, want a report of three problems", err)
	}
	for _, want := range []string{"Deployment shop/back", "nothing", "Deployment shop/side", `"http"`, "Deployment shop/top", "grpc", "http-admin"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q:\n%v", want, err)
		}
	}
	if s := b.Status(); len(s) != 1 || s[0].Deployment != "shop/front" || s[0].State != Ready {
		t.Errorf("after a refused Apply there is %+v, want shop/front as it was", s)
	}
}
