package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/internal/shipped"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	"github.com/hopline/hopline/lab/zipkin"
)

// running returns a proxy under a shipped overlay, with one echo for each Deployment that returns its name.
func running(t testing.TB, name string, o Options) (*Proxy, *overlay.Overlay) {
	t.Helper()
	ov, err := overlay.Load(shipped.Overlay(t, name))
	if err != nil {
		t.Fatal(err)
	}
	table, err := mesh.Compile(ov)
	if err != nil {
		t.Fatal(err)
	}
	p := New(o)
	t.Cleanup(func() { p.Close() })
	p.Swap(table)
	var pods []mesh.Pod
	for _, d := range ov.Deployments {
		pod := mesh.Pod{Name: d.Name + "-1", Ready: true, Ports: map[int]string{}, Names: map[string]int{},
			Source: mesh.Source{Workload: d.Name, Namespace: d.Namespace, Labels: d.Pod.Labels, Principal: "cluster.local/ns/" + d.Namespace + "/sa/" + d.Pod.ServiceAccount}}
		address := handle(t, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, d.Namespace, "/", d.Name, " ", r.RequestURI)
		})
		for _, port := range d.Pod.Ports() {
			pod.Ports[port.Number], pod.Names[port.Name] = address, port.Number
		}
		pods = append(pods, pod)
	}
	p.SetPods(pods)
	return p, ov
}

// as sends a request through the sidecar of a workload.
func as(t testing.TB, p *Proxy, workload, target string, headers ...string) string {
	t.Helper()
	r, _ := http.NewRequest("GET", target, nil)
	r.RequestURI = target
	r.Header.Set("Proxy-Authorization", p.token(workload+"-1"))
	return serveTo(p.Sidecar(), r, headers...)
}

// serveTo passes a request to a handler, without a connection.
func serveTo(h http.Handler, r *http.Request, headers ...string) string {
	for _, line := range headers {
		k, v, _ := strings.Cut(line, ": ")
		r.Header.Set(k, v)
	}
	r.RemoteAddr = "127.0.0.1:1"
	w := &recorder{header: http.Header{}}
	h.ServeHTTP(w, r)
	return fmt.Sprint(w.status, " ", w.body.String())
}

type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *recorder) WriteHeader(status int)      { r.status = status }

// TestCanary checks the proxy under the canary overlay against the contract's table.
func TestCanary(t *testing.T) {
	t.Parallel()
	var sink spanSink
	p, _ := running(t, "canary", Options{Span: sink.put})
	ingress := p.Gateway(mesh.IngressGateway(), 80)
	outside := func(host, path string) string {
		r, _ := http.NewRequest("GET", "http://"+host+path, nil)
		r.RequestURI = path
		return serveTo(ingress, r)
	}
	for _, c := range []struct{ got, want string }{
		{as(t, p, "front-blue", "http://middle/hops", "x-dev-user: betaUser"), "200 hopline/middle-dev /hops"},
		{as(t, p, "middle-dev", "http://core/hops"), "200 hopline/core-prod /hops"},
		{as(t, p, "middle-dev", "http://core/hops", "x-dev-user: betaUser"), "200 hopline/core-test /hops"},
		{as(t, p, "middle-dev", "http://core/hops", "x-dev-user: stressTest"), "200 hopline/core-test /hops"},
		{as(t, p, "core-prod", "http://worldtimeapi.org/api/timezone/Asia/Jakarta"), "200 hopline-outside/worldtimeapi /api/timezone/Asia/Jakarta"},
		{as(t, p, "core-test", "http://clock/time"), "200 hopline/clock /time"},
		{as(t, p, "front-blue", "http://core/hops"), "403 RBAC: access denied"},
		{outside("localhost:8080", "/nowhere"), "404 "},
		{outside("bounced.svc.kind.org", "/x"), "200 hopline/bounced /x"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if got := as(t, p, "front-blue", "http://nowhere.example/"); !strings.HasPrefix(got, "502 ") || !strings.Contains(got, "ServiceEntry") || !strings.Contains(got, "nowhere.example") {
		t.Errorf("an unknown host: %q", got)
	}
	if got := outside("localhost:8080", "/demo-app/hops"); !strings.HasPrefix(got, "200 hopline/front-") || !strings.HasSuffix(got, " /hops") {
		t.Errorf("through the ingress: %q", got)
	}
	canary := 0
	const n = 3000
	for range n {
		if as(t, p, "front-blue", "http://middle/hops") == "200 hopline/middle-canary /hops" {
			canary++
		}
	}
	within(t, "middle-canary", canary, n, 0.2)
	for _, s := range sink.all() {
		if s.Kind != zipkin.Client || s.TraceID == "" || s.LocalEndpoint.ServiceName == "" {
			t.Fatalf("span %+v", s)
		}
	}
}

// TestPlainOverlay checks that front calls middle without a mesh.
func TestPlainOverlay(t *testing.T) {
	t.Parallel()
	p, ov := running(t, "plain", Options{})
	caller := ""
	for _, d := range ov.Deployments {
		if d.Pod.Labels["app"] == "front" {
			caller = d.Name
		}
	}
	if got := as(t, p, caller, "http://middle/hops"); !strings.HasPrefix(got, "200 hopline/middle") {
		t.Errorf("%s → middle: %q", caller, got)
	}
}

// TestEgressOverlay checks that requests to outside hosts pass the egress gateway.
func TestEgressOverlay(t *testing.T) {
	t.Parallel()
	var sink spanSink
	p, _ := running(t, "egress", Options{Span: sink.put})
	if got := as(t, p, "core-prod", "http://worldtimeapi.org/api/timezone/Asia/Jakarta"); got != "200 hopline-outside/worldtimeapi /api/timezone/Asia/Jakarta" {
		t.Errorf("%q", got)
	}
	var services []string
	for _, s := range sink.all() {
		services = append(services, s.LocalEndpoint.ServiceName)
	}
	if got := strings.Join(services, " "); got != "istio-egressgateway core" {
		t.Errorf("spans of %q, want of the gateway and of core's sidecar", got)
	}
}
