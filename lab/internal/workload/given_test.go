package workload

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/overlay"
)

func TestImagesThatAGivenProgramMatches(t *testing.T) {
	t.Parallel()
	const image = "ghcr.io:5000/stefanprodan/podinfo:6.9.0@sha256:0a1b"
	for given, want := range map[string]bool{
		image: true, "ghcr.io:5000/stefanprodan/podinfo:6.9.0": true, "ghcr.io:5000/stefanprodan/podinfo": true,
		"stefanprodan/podinfo": true, "podinfo": true, "podinfo:6.9.0": true, "podinfo:6.9.0@sha256:0a1b": true,
		"podinfo:6.9": false, "podinfo:6.9.1": false, "info": false, "podinfo@sha256:0a1b": false, "other/podinfo": false, "docker.io/podinfo": false,
	} {
		g := Given{Image: given}
		if got := g.matches(image); got != want {
			t.Errorf("%s: got %v, want %v", given, got, want)
		}
	}
	p := Programs{Given: []Given{{Image: "podinfo", Command: "any"}, {Image: "podinfo:6.9.0", Command: "this"}}}
	if got := p.given(image); got == nil || got.Command != "this" {
		t.Errorf("of two that match: got %v, want that with the longer name", got)
	}
}

func TestParseGiven(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	g, err := ParseGiven(`acme/web:1='` + self + `' --name "two words" -p $PORT '$PORT' a=b`)
	if err != nil {
		t.Fatal(err)
	}
	args, err := g.arguments(map[string]string{"PORT": "20001"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"--name", "two words", "-p", "20001", "$PORT", "a=b"}, args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if g.Image != "acme/web:1" || g.file != self {
		t.Errorf("got image %s, program %s", g.Image, g.file)
	}
	for text, want := range map[string]string{
		"web": "want IMAGE=COMMAND", "web=": "want IMAGE=COMMAND", "=" + self: "want IMAGE=COMMAND", `web=""`: "want a program, got nothing",
		"web='": "without closing quote", "web=./no-such-program": "no-such-program", "web=" + self + " $(date)": "",
	} {
		g, err := ParseGiven(text)
		if err == nil {
			_, err = g.arguments(nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestPortsOfThePodBecomePortsOfThisMachine(t *testing.T) {
	t.Parallel()
	l := localPorts{host: "127.0.0.1", ports: map[int]int{8080: 20001, 9090: 20002}, own: [][]int{{8080}}}
	for word, want := range map[string]string{
		"8080": "20001", ":8080": "127.0.0.1:20001", "--port=8080": "--port=20001", "-listen=:8080": "-listen=127.0.0.1:20001",
		"--addr=0.0.0.0:8080": "--addr=127.0.0.1:20001", "[::]:8080": "127.0.0.1:20001",
		"http://localhost:9090/x,http://127.0.0.1:8080": "http://127.0.0.1:20002/x,http://127.0.0.1:20001",
		// Not the pod's, or not an address.
		"9090": "9090", "--port=9090": "--port=9090", "http://web:8080": "http://web:8080", "localhost:80801": "localhost:80801", "my-localhost:8080": "my-localhost:8080",
		"10.127.0.0.1:8080": "10.127.0.0.1:8080", "localhost:8081": "localhost:8081", "18080": "18080", "8080ms": "8080ms",
	} {
		if got := l.word(word); got != want {
			t.Errorf("%s: got %s, want %s", word, got, want)
		}
	}
	for variable, want := range map[string]string{"HTTP_PORT=8080": "20001", "serverPort=8080": "20001", "ADDR=:8080": "127.0.0.1:20001", "LIMIT=8080": "8080", "PEER=localhost:9090": "127.0.0.1:20002"} {
		name, value, _ := strings.Cut(variable, "=")
		if got := l.variable(name, value); got != want {
			t.Errorf("%s: got %s, want %s", variable, got, want)
		}
	}
	l.own = nil // a program of the suite, which reads PORT
	for _, word := range []string{"8080", "--port=8080"} {
		if got := l.word(word); got != word {
			t.Errorf("%s of the suite: got %s", word, got)
		}
	}
}

// give returns a change of Options that gives the image acme/NAME this test binary as its program.
func give(t *testing.T, name, arguments string) func(*Options) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	g, err := ParseGiven("acme/" + name + "='" + self + "' " + arguments)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) { o.Programs.Given = append(o.Programs.Given, g) }
}

// others returns a container of another project that listens on the port of its argument --port.
func others(name, port string) overlay.Container {
	number := map[string]int{"9898": 9898, "9797": 9797}[port]
	return overlay.Container{Name: name, Image: "ghcr.io/acme/" + name + ":1", Command: []string{"/app/" + name, "--port=" + port}, Args: []string{"--name=$(NAME)"},
		Env:   []overlay.EnvVar{{Name: "TEST_PROGRAM", Value: "others"}, {Name: "NAME", Value: name}},
		Ports: []overlay.ContainerPort{{Name: "http-" + name, Number: number}}}
}

// TestGivenProgram runs a given program: it gets the arguments of its command and then those of the manifest, and the ports that it is
// given.
func TestGivenProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t, give(t, "web", `--first "$NAME"`))
	d := server("front", 1)
	d.Pod.Containers = []overlay.Container{others("web", "9898")}
	b.apply(d)
	b.waitDone()
	pod := b.ready()[0]
	_, port, _ := net.SplitHostPort(pod.Ports[9898])
	response, err := b.getAt(pod.Ports[9898], "/args")
	if err != nil {
		t.Fatal(err)
	}
	var args []string
	if err := json.NewDecoder(response).Decode(&args); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"--first", "web", "--port=" + port, "--name=web"}, args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	environment, err := b.getAt(pod.Ports[9898], "/env")
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	if err := json.NewDecoder(environment).Decode(&env); err != nil {
		t.Fatal(err)
	}
	proxy := "http://" + pod.Name + ":secret@127.0.0.1:15001"
	for _, want := range []string{"PORT=" + port, "PORT_9898=" + port, "HTTP_PROXY=" + proxy, "http_proxy=" + proxy, "no_proxy=localhost,127.0.0.1,::1", "PATH=" + os.Getenv("PATH")} {
		if !slices.Contains(env, want) {
			t.Errorf("the environment has no %s: %q", want, env)
		}
	}
	if slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "ADMIN_PORT=") }) {
		t.Error("the environment has an ADMIN_PORT, which the manifest does not")
	}
}

// TestGivenProgramThatDoesNotListen: the pod is not ready, and the reason names the port.
func TestGivenProgramThatDoesNotListen(t *testing.T) {
	t.Parallel()
	b := newBench(t, give(t, "web", ""))
	d := server("front", 1)
	c := others("web", "9898")
	c.Command = nil // it listens on any port
	c.Readiness = &overlay.Probe{TCP: true, Port: "http-web", Period: 50 * time.Millisecond, Timeout: time.Second, Successes: 1, Failures: 2}
	d.Pod.Containers = []overlay.Container{c}
	b.apply(d)
	b.wait("the reason", func() bool { return strings.Contains(b.Status()[0].Reason, "nothing listens for port http-web") })
	if len(b.ready()) != 0 {
		t.Error("for the mesh it is ready")
	}
}

// TestContainersSideBySide: the pod is ready when all containers are, and only the one that ends is restarted.
func TestContainersSideBySide(t *testing.T) {
	t.Parallel()
	b := newBench(t, give(t, "side", ""))
	d := server("front", 1)
	d.Pod.Containers = append(d.Pod.Containers, others("side", "9797"))
	d.Pod.Containers[0].Env = append(d.Pod.Containers[0].Env, overlay.EnvVar{Name: "SIDE", Value: "http://localhost:9797/x"})
	b.apply(d)
	b.waitDone()
	before, pod := b.Status()[0], b.ready()[0]
	environment, err := b.getAt(pod.Ports[8080], "/env")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(environment)
	if want := "SIDE=http://" + pod.Ports[9797] + "/x"; !strings.Contains(string(text), want) {
		t.Errorf("the environment has no %s: %s", want, text)
	}
	if _, err := b.getAt(pod.Ports[9797], "/exit"); err == nil {
		t.Error("the container responded before its end")
	}
	b.wait("the restart", func() bool { s := b.Status()[0]; return s.Restarts == 1 && s.State == Ready })
	if after := b.Status()[0]; after.Process != before.Process || after.Name != before.Name {
		t.Errorf("process %d of pod %s, want %d of %s: the first container did not end", after.Process, after.Name, before.Process, before.Name)
	}
	sources := map[string]bool{}
	for _, line := range b.Logs().Pod(pod.Name, 100) {
		sources[line.Source()] = true
	}
	if !sources[pod.Name+"/app"] || !sources[pod.Name+"/side"] {
		t.Errorf("lines of %v, want both containers named", sources)
	}
}

// TestPodIsNotReadyWithoutAllContainers: one that crashes keeps the pod out of the endpoints, and the reason names it.
func TestPodIsNotReadyWithoutAllContainers(t *testing.T) {
	t.Parallel()
	b := newBench(t, give(t, "side", ""))
	d := server("front", 1)
	crash := others("side", "9797")
	crash.Env[0].Value = "crash"
	d.Pod.Containers = append(d.Pod.Containers, crash)
	b.apply(d)
	b.wait("the second crash", func() bool { s := b.Status()[0]; return s.State == BackOff && s.Restarts == 1 })
	b.wait("the first container", func() bool { return len(b.Logs().Pod(b.Status()[0].Name, 9)) >= 3 })
	if s := b.Status()[0]; !strings.HasPrefix(s.Reason, "container side: exited with code 3") || s.Ready || s.Process == 0 {
		t.Errorf("reason %q, ready %v, process %d; want the crashed container named, and the other one running", s.Reason, s.Ready, s.Process)
	}
	if len(b.ready()) != 0 {
		t.Error("for the mesh it is ready")
	}
}

// TestTwoContainersCannotListenOnOnePort: as in a cluster, the second could not start.
func TestTwoContainersCannotListenOnOnePort(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := server("front", 1)
	d.Pod.Containers = append(d.Pod.Containers, d.Pod.Containers[0])
	d.Pod.Containers[1].Name = "second"
	err := b.Apply(&overlay.Overlay{Deployments: []overlay.Deployment{d}})
	if err == nil || !strings.Contains(err.Error(), "container app listens on port 8080 as well") {
		t.Errorf("got %v", err)
	}
}

// TestInitContainers: each succeeds before the next starts, and one that fails is started again.
func TestInitContainers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "steps")
	b := newBench(t, give(t, "step", ""))
	d := server("front", 1)
	for _, name := range []string{"one", "two"} {
		d.Pod.Init = append(d.Pod.Init, overlay.Container{Name: name, Image: "acme/step", Args: []string{file},
			Env: []overlay.EnvVar{{Name: "TEST_PROGRAM", Value: "step"}}})
	}
	b.apply(d)
	b.waitDone()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// The first fails at its first run: there is no file.
	if s := b.Status()[0]; string(text) != "xx" || s.Restarts != 1 {
		t.Errorf("steps %q, %d restarts; want two and one", text, s.Restarts)
	}
	if got := b.Logs().Pod(b.Status()[0].Name, 1)[0].Source(); got != b.Status()[0].Name+"/app" {
		t.Errorf("the last line is of %s, want of the container", got)
	}
}

func TestExecProbe(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no cat here")
	}
	ready := filepath.Join(t.TempDir(), "ready")
	b := newBench(t)
	d := server("front", 1)
	probe := d.Pod.Containers[0].Readiness
	*probe = overlay.Probe{Exec: []string{"cat", ready}, Period: 50 * time.Millisecond, Timeout: 5 * time.Second, Successes: 1, Failures: 2}
	b.apply(d)
	b.wait("the reason", func() bool {
		reason := b.Status()[0].Reason
		return strings.HasPrefix(reason, "readiness probe failed: cat: exited with code 1: ") && strings.Contains(reason, "cat: "+ready)
	})
	if err := os.WriteFile(ready, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.waitDone()
}

func TestExecProbeIsKilledAtItsTimeout(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no sleep here")
	}
	b := newBench(t)
	d := server("front", 1)
	d.Pod.Containers[0].Liveness = &overlay.Probe{Exec: []string{"sleep", "600"}, Period: 50 * time.Millisecond, Timeout: 50 * time.Millisecond, Successes: 1, Failures: 1}
	b.apply(d)
	b.wait("the restart", func() bool { return b.Status()[0].Restarts == 1 })
	if got := b.Status()[0].Reason; got != "" && got != "liveness probe failed 1 times: sleep: did not end within 50ms" {
		t.Errorf("reason %q", got)
	}
}

// TestCommandsThatAreNotOfTheImage checks that commands of another program are rejected unless a program is given for the image, and so are
// probes whose program does not exist here.
func TestCommandsThatAreNotOfTheImage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := server("front", 1)
	d.Pod.Containers[0].Command = []string{"/bin/app", "--flag"}
	d.Pod.Containers[0].Liveness = &overlay.Probe{Exec: []string{"no-such-program"}, Period: time.Second, Timeout: time.Second, Successes: 1, Failures: 1}
	other := server("back", 1)
	other.Pod.Containers[0].Command = []string{"sh", "-c", "exec app"}
	err := b.Apply(&overlay.Overlay{Deployments: []overlay.Deployment{d, other}})
	want := []string{
		`Deployment shop/back: spec.template.spec.containers[0].command[0]: want app, the program of the image, got "sh": the lab runs another one only with --program app=COMMAND`,
		"Deployment shop/front: spec.template.spec.containers[0].livenessProbe.exec.command[0]: want a program of this machine: ",
	}
	var got []string
	if err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	if len(got) != 2 || got[0] != want[0] || !strings.HasPrefix(got[1], want[1]) {
		t.Errorf("got %q, want %q", got, want)
	}
}
