package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hopline/hopline/lab/mesh"
)

// plainRules has only Services.
func plainRules(c *mesh.Cluster) *rules {
	r := toRoute(routeTo(c))
	r.noMesh = true
	return r
}

func TestPlain(t *testing.T) {
	t.Parallel()
	var sink spanSink
	registry := prometheus.NewRegistry()
	up := newEcho(t, "middle")
	b := newBench(t, Options{Span: sink.put, Registry: registry}, plainRules(service("middle")), podOf("middle", "middle-1", up.address()))
	a := b.get("http://middle/a?b=c", "x-dev-user: me")
	a.want(t, 200, "middle /a?b=c ")
	wantHeaders(t, a.Header, map[string]string{"server": "", "x-envoy-upstream-service-time": ""})
	r, _ := up.seen()
	wantHeaders(t, r.Header, map[string]string{"x-dev-user": "me", "x-request-id": "", "x-b3-traceid": "", "x-envoy-attempt-count": "", "x-forwarded-proto": "",
		"x-envoy-decorator-operation": "", "proxy-authorization": ""})
	if len(sink.all()) > 0 {
		t.Errorf("%d spans without a mesh", len(sink.all()))
	}
	if n, err := testutil.GatherAndCount(registry, "istio_requests_total"); n > 0 || err != nil {
		t.Errorf("%d series of mesh metrics, %v", n, err)
	}
	b.setPods()
	b.get("http://middle/").want(t, 502, "no ready pod behind middle.hopline.svc.cluster.local")
	down := unused(t)
	b.setPods(podOf("middle", "middle-1", down))
	b.get("http://middle/").want(t, 502, down+" behind middle.hopline.svc.cluster.local: remote connection failure")
}

// A pod without a sidecar in a mesh has no rules, telemetry or identity, and policies do not protect it.
func TestBarePods(t *testing.T) {
	t.Parallel()
	var sink spanSink
	registry := prometheus.NewRegistry()
	table := toRoute(&mesh.Route{Destinations: routeTo(service("middle")).Destinations, Headers: mesh.HeaderOps{RequestSet: []mesh.Header{{Name: "By-Rule", Value: "yes"}}}})
	table.authorize = func(from, to *mesh.Source, _ *mesh.Request) bool {
		return from.Principal != "" && to.Workload != "outside"
	}
	up := newEcho(t, "middle")
	b := newBench(t, Options{Span: sink.put, Registry: registry}, table)
	front, middle := podOf("front", "front-1", "127.0.0.1:1"), podOf("middle", "middle-1", up.address())
	front.NoSidecar, front.Principal = true, ""

	b.proxy.SetPods([]mesh.Pod{front, middle})
	b.get("http://middle/").want(t, 403, denied) // by the callee's sidecar
	if _, n := up.seen(); n > 0 {
		t.Errorf("%d requests came through", n)
	}
	middle.Name, middle.NoSidecar, middle.Workload = "middle-2", true, "outside"
	b.proxy.SetPods([]mesh.Pod{front, middle})
	a := b.get("http://middle/")
	a.want(t, 200, "middle / ")
	wantHeaders(t, a.Header, map[string]string{"server": "", "x-envoy-upstream-service-time": ""})
	r, _ := up.seen()
	wantHeaders(t, r.Header, map[string]string{"by-rule": "", "x-request-id": "", "x-b3-traceid": "", "x-envoy-attempt-count": ""})
	if len(sink.all()) > 0 {
		t.Errorf("%d spans of a pod without a sidecar", len(sink.all()))
	}

	b.proxy.SetPods([]mesh.Pod{podOf("front", "front-1", "127.0.0.1:1"), middle})
	b.get("http://middle/").want(t, 200, "middle / ") // although the policy denies it
	if r, _ := up.seen(); r.Header.Get("By-Rule") != "yes" {
		t.Error("the rule was not applied for a caller with a sidecar")
	}
	if n, err := testutil.GatherAndCount(registry, "istio_requests_total"); n != 2 || err != nil {
		t.Errorf("%d series of mesh metrics, %v, want one of middle's sidecar and one of front's", n, err)
	}
}

func TestNodePort(t *testing.T) {
	t.Parallel()
	p := New(Options{})
	defer p.Close()
	p.Swap(plainRules(service("front")))
	var pods []mesh.Pod
	for i := range 4 {
		pods = append(pods, podOf("front", fmt.Sprint("front-", i), handle(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, i, len(r.Header)) })))
	}
	pods[3].Ready = false
	p.SetPods(pods)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.ServeNodePort(l, "hopline", "front", 80) }()
	got := map[string]int{}
	const n = 600
	tr := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	for range n {
		req, _ := http.NewRequest("GET", "http://"+l.Addr().String(), nil)
		req.Header["User-Agent"] = nil
		res, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		got[string(body)]++
	}
	for i := range 3 {
		within(t, fmt.Sprint("pod ", i), got[fmt.Sprint(i, 1)], n, 1.0/3) // one header, the client's Connection: nothing was added
	}
	p.SetPods(nil)
	if res, err := tr.RoundTrip(mustRequest("http://" + l.Addr().String())); err == nil {
		res.Body.Close()
		t.Error("a response without a pod")
	}
	l.Close()
	if err := <-served; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func mustRequest(url string) *http.Request {
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		panic(err)
	}
	return r
}
