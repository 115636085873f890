package workload

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/child"
	"github.com/hopline/hopline/lab/internal/podlog"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"go.uber.org/goleak"
)

// TestMain is also the program that the tests supervise: this test binary under another name, selected by a variable of its manifest.
func TestMain(m *testing.M) {
	switch os.Getenv("TEST_PROGRAM") {
	case "server":
		os.Exit(serve())
	case "crash":
		fmt.Println(`{"level":"error","trace_id":"463ac35c9f6413ad48485a3953bb6124","msg":"cannot start"}`)
		os.Exit(3)
	case "others":
		os.Exit(serveOthers())
	case "step":
		os.Exit(step())
	case "lab":
		os.Exit(lab())
	}
	goleak.VerifyTestMain(m)
}

// serve listens on PORT and ADMIN_PORT until SIGTERM and then finishes the requests in flight. It prints each step.
func serve() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var ready atomic.Bool
	ready.Store(os.Getenv("TEST_READY") != "false")

	app := http.NewServeMux()
	app.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(os.Environ()) })
	app.HandleFunc("/args", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(os.Args[1:]) })
	app.HandleFunc("/exit", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.FormValue("code"))
		os.Exit(code)
	})
	app.HandleFunc("/ready", func(w http.ResponseWriter, r *http.Request) { ready.Store(r.FormValue("is") == "true") })
	app.HandleFunc("/say", func(w http.ResponseWriter, r *http.Request) { fmt.Println(r.FormValue("line")) })

	admin := http.NewServeMux()
	admin.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	admin.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) {
		if os.Getenv("TEST_LIVE") == "false" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})

	for variable, handler := range map[string]http.Handler{"PORT": app, "ADMIN_PORT": admin} {
		listener, err := net.Listen("tcp", net.JoinHostPort(os.Getenv("LISTEN_HOST"), os.Getenv(variable)))
		if err != nil {
			fmt.Println(err)
			return 1
		}
		server := &http.Server{Handler: handler}
		go func() { _ = server.Serve(listener) }()
		defer func() { _ = server.Shutdown(context.Background()) }()
	}
	fmt.Println("serving")
	<-ctx.Done()
	fmt.Println("stopping")
	if os.Getenv("TEST_STUBBORN") == "true" {
		select {}
	}
	if os.Getenv("TEST_DRAIN") == "true" { // until a second signal arrives
		again := make(chan os.Signal, 1)
		signal.Notify(again, os.Interrupt, syscall.SIGTERM)
		<-again
	}
	return 0
}

// serveOthers is a program that does not use the lab's variables: it listens on the port of its argument --port, or on any.
func serveOthers() int {
	port := "0"
	for _, arg := range os.Args[1:] {
		if value, ok := strings.CutPrefix(arg, "--port="); ok {
			port = value
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("listening")
	mux := http.NewServeMux()
	mux.HandleFunc("/args", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(os.Args[1:]) })
	mux.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(os.Environ()) })
	mux.HandleFunc("/dir", func(w http.ResponseWriter, _ *http.Request) {
		dir, _ := os.Getwd()
		_ = json.NewEncoder(w).Encode(dir)
	})
	mux.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(4) })
	_ = http.Serve(listener, mux)
	return 1
}

// step adds a character to a file. It fails if the file is not there, but makes it.
func step() int {
	file, err := os.OpenFile(os.Args[1], os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		fmt.Println(err, os.WriteFile(os.Args[1], nil, 0o600))
		return 1
	}
	if _, err := file.WriteString("x"); err != nil {
		return 1
	}
	return 0
}

// bench holds a Supervisor under test and what it has reported.
type bench struct {
	*Supervisor
	t       *testing.T
	options Options
	changed chan struct{} // something has changed
	mesh    atomic.Pointer[[]mesh.Pod]
}

// newBench starts a Supervisor whose only program is "app".
func newBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, changed: make(chan struct{}, 1)}
	tell := func() {
		select {
		case b.changed <- struct{}{}:
		default:
		}
	}
	b.options = Options{
		Programs: Programs{Bin: programs(t)}, Host: "127.0.0.1", Zipkin: "http://127.0.0.1:9/api/v2/spans", OTLP: "http://127.0.0.1:9", UI: "http://localhost/{traceID}",
		Proxy:   func(pod *mesh.Pod) string { return "http://" + pod.Name + ":secret@127.0.0.1:15001" },
		Pods:    func(pods []mesh.Pod) { b.mesh.Store(&pods); tell() },
		Changed: func(Status) { tell() },
		Line:    func(podlog.Line) { tell() },
	}
	for _, c := range change {
		c(&b.options)
	}
	var err error
	if b.Supervisor, err = New(b.options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		b.Close(ctx)
	})
	return b
}

// programs returns a directory in which this test binary is the program "app".
func programs(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "app"+child.Suffix)); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	return dir
}

// wait waits until done returns true. It checks whenever the Supervisor reports something.
func (b *bench) wait(what string, done func() bool) {
	b.t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond) // for changes that are not reported
	defer tick.Stop()
	for !done() {
		select {
		case <-b.changed:
		case <-tick.C:
		case <-deadline:
			b.t.Fatalf("waited 20 s for %s; pods: %+v", what, b.Status())
		}
	}
}

// waitDone waits until all wanted pods are ready and no others are left.
func (b *bench) waitDone() {
	b.t.Helper()
	b.wait("all Deployments", func() bool {
		for _, d := range b.Deployments() {
			if !d.Done() {
				return false
			}
		}
		for _, p := range b.Status() {
			if p.State != Ready {
				return false
			}
		}
		return true
	})
}

// apply applies Deployments and fails the test on an error.
func (b *bench) apply(deployments ...overlay.Deployment) {
	b.t.Helper()
	if err := b.Apply(&overlay.Overlay{
		Namespaces:  []overlay.Meta{{Kind: "Namespace", Name: "shop", Labels: map[string]string{"istio-injection": "enabled"}}},
		Deployments: deployments,
	}); err != nil {
		b.t.Fatal(err)
	}
}

// ready lists the pods that were reported to the mesh as ready.
func (b *bench) ready() []mesh.Pod {
	var ready []mesh.Pod
	if pods := b.mesh.Load(); pods != nil {
		for _, p := range *pods {
			if p.Ready {
				ready = append(ready, p)
			}
		}
	}
	return ready
}

// get sends a request to the application port of the only ready pod.
func (b *bench) get(path string) (*http.Response, error) {
	b.t.Helper()
	ready := b.ready()
	if len(ready) == 0 {
		b.t.Fatal("no pod is ready")
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	return client.Get("http://" + ready[0].Ports[8080] + path)
}

// getAt sends a request to an address and returns the body of the response.
func (b *bench) getAt(address, path string) (io.Reader, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	response, err := client.Get("http://" + address + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return bytes.NewReader(body), err
}

// server returns a Deployment of the server whose readiness is probed every 50 ms.
func server(name string, replicas int, env ...overlay.EnvVar) overlay.Deployment {
	return overlay.Deployment{
		Meta:     overlay.Meta{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: name},
		Replicas: replicas, MaxSurge: "25%", MaxUnavailable: "25%",
		Pod: overlay.PodTemplate{
			Labels: map[string]string{"app": name, "version": "v1"}, ServiceAccount: name, Grace: 5 * time.Second,
			Containers: []overlay.Container{{
				Name: "app", Image: "localhost:5001/hopline/app:dev",
				Env:   append([]overlay.EnvVar{{Name: "TEST_PROGRAM", Value: "server"}}, env...),
				Ports: []overlay.ContainerPort{{Name: "http", Number: 8080}, {Name: "http-admin", Number: 8081}},
				Readiness: &overlay.Probe{
					Path: "/readyz", Port: "http-admin", Period: 50 * time.Millisecond, Timeout: time.Second, Successes: 1, Failures: 2,
				},
			}},
		},
	}
}
