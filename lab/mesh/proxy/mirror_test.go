package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hopline/hopline/lab/internal/await"
	"github.com/hopline/hopline/lab/mesh"
)

// mirroring sends everything to middle, with copies to shadow.
func mirroring(copies uint64) *rules {
	route := routeTo(service("middle"))
	route.Mirrors = []mesh.Mirror{{Cluster: service("shadow"), Percent: 100}, {Cluster: service("other"), Percent: 100}}
	t := toRoute(route)
	t.decide = func(*mesh.Request, *mesh.Source) mesh.Decision {
		return mesh.Decision{Outcome: mesh.Forward, Route: route, To: &route.Destinations[0], Mirror: copies}
	}
	return t
}

func TestMirror(t *testing.T) {
	t.Parallel()
	type copied struct {
		body string
		r    *http.Request
	}
	copies := make(chan copied, 10)
	shadow := handle(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		copies <- copied{string(body), r}
		w.WriteHeader(500)
		io.WriteString(w, "nobody reads this")
	})
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, mirroring(1), podOf("middle", "middle-1", up.address()), podOf("shadow", "shadow-1", shadow))
	send := map[string]func(){
		"": func() { b.get("http://middle/x?y=z", "x-dev-user: me").want(t, 200, "middle /x?y=z ") },
		"hello": func() {
			b.do("POST", "http://middle/x?y=z", strings.NewReader("hello"), "x-dev-user: me").want(t, 200, "middle /x?y=z hello")
		},
		"chunked": func() {
			b.do("POST", "http://middle/x?y=z", io.MultiReader(strings.NewReader("chunked")), "x-dev-user: me").want(t, 200, "middle /x?y=z chunked")
		},
	}
	for body, ask := range send {
		ask()
		c := receive(t, "the copy", copies)
		if c.body != body || c.r.RequestURI != "/x?y=z" || c.r.Host != "middle" {
			t.Errorf("the copy requested %s of %s with body %q, want %q", c.r.RequestURI, c.r.Host, c.body, body)
		}
		original, _ := up.seen()
		wantHeaders(t, c.r.Header, map[string]string{"x-dev-user": "me", "x-envoy-internal": "true", "x-forwarded-for": "127.0.0.1",
			"x-request-id": original.Header.Get("x-request-id")})
		wantHeaders(t, original.Header, map[string]string{"x-envoy-internal": "", "x-forwarded-for": ""})
		wantHeaders(t, c.r.Header, map[string]string{"x-b3-traceid": original.Header.Get("x-b3-traceid"), "x-b3-sampled": "0",
			"x-b3-parentspanid": original.Header.Get("x-b3-spanid")})
		wantHeaders(t, original.Header, map[string]string{"x-b3-sampled": "1", "x-b3-parentspanid": ""})
		if id := c.r.Header.Get("x-b3-spanid"); len(id) != 16 || id == original.Header.Get("x-b3-spanid") {
			t.Errorf("the copy has span %q, want one of its own", id)
		}
	}
}

// TestMirrorsCountWhereTheyArrive: as in Istio, the destination's sidecar counts a copy and the caller's does not.
func TestMirrorsCountWhereTheyArrive(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	copies := make(chan Access, 10)
	b := newBench(t, Options{Registry: registry, Access: func(a *Access) {
		if a.Copy {
			copies <- *a
		}
	}}, mirroring(1), podOf("middle", "middle-1", newEcho(t, "middle").address()), podOf("shadow", "shadow-1", handle(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		io.WriteString(w, "nobody reads this")
	})))
	b.do("POST", "http://middle/x", strings.NewReader("hello")).want(t, 200, "middle /x hello")
	a := receive(t, "the record of the copy", copies)
	if a.Answered != "shadow-1" || a.Status != 500 || a.Received != 5 || a.Sent != 17 || a.Route != nil || a.Pod != "front-1" || a.Path != "/x" || a.TraceID == "" {
		t.Errorf("the copy is recorded as %+v", a)
	}
	got := map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "istio_requests_total" {
			continue
		}
		for _, m := range family.Metric {
			label := map[string]string{}
			for _, l := range m.Label {
				label[l.GetName()] = l.GetValue()
			}
			key := fmt.Sprint(label["reporter"], " ", label["source_workload"], " ", label["destination_workload"], " ", label["destination_service_name"], " ", label["response_code"])
			got[key] = m.Counter.GetValue()
		}
	}
	want := map[string]float64{"source front middle middle 200": 1, "destination front middle middle 200": 1, "destination front shadow shadow 500": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("istio_requests_total (-want +got):\n%s", diff)
	}
}

// TestRefusedMirrorsCount denies a copy by an AuthorizationPolicy: it is counted with the 403 that the sidecar sends.
func TestRefusedMirrorsCount(t *testing.T) {
	t.Parallel()
	copies := make(chan int, 1)
	rules := mirroring(1)
	rules.authorize = func(_, to *mesh.Source, _ *mesh.Request) bool { return to.Workload != "shadow" }
	shadow := newEcho(t, "shadow")
	b := newBench(t, Options{Access: func(a *Access) {
		if a.Copy {
			copies <- a.Status
		}
	}}, rules, podOf("middle", "middle-1", newEcho(t, "middle").address()), podOf("shadow", "shadow-1", shadow.address()))
	b.get("http://middle/x").want(t, 200, "middle /x ")
	if status := receive(t, "the record of the copy", copies); status != 403 {
		t.Errorf("the copy is counted with %d, want 403", status)
	}
}

func TestMirrorNeverHolds(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, mirroring(3), podOf("middle", "middle-1", up.address()), podOf("shadow", "shadow-1", g.address), podOf("other", "other-1", unused(t)))
	const n, bound = 100, 32
	b.proxy.mirrors = make(chan struct{}, bound) // maxMirrors copies would take a busy machine longer than a copy may take
	for range n {
		b.get("http://middle/").want(t, 200, "middle / ")
	}
	dropped := func() int { return int(testutil.ToFloat64(b.proxy.metrics.droppedMirrors)) }
	await.That(t, "copies up to the bound", func() bool { return int(g.waiting.Load()) >= bound-2 })
	if w := int(g.waiting.Load()); w > bound {
		t.Errorf("%d copies under way, want at most %d", w, bound)
	}
	if dropped() < n-bound {
		t.Errorf("%d copies dropped, want at least %d", dropped(), n-bound)
	}
	close(g.open)
	await.That(t, "no copy under way", func() bool { return len(b.proxy.mirrors) == 0 })
}

func TestMirrorOfALargeBodyIsDropped(t *testing.T) {
	t.Parallel()
	var copies atomic.Int32
	shadow := handle(t, func(http.ResponseWriter, *http.Request) { copies.Add(1) })
	up := handle(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})
	b := newBench(t, Options{}, mirroring(1), podOf("middle", "middle-1", up), podOf("shadow", "shadow-1", shadow))
	b.do("POST", "http://middle/", strings.NewReader(strings.Repeat("x", 2*maxReplay))).want(t, 200, fmt.Sprint(2*maxReplay))
	if n := testutil.ToFloat64(b.proxy.metrics.droppedMirrors); n != 1 || copies.Load() != 0 {
		t.Errorf("%v dropped, %d copies, want 1 and 0", n, copies.Load())
	}
}

// TestNoMirrorWithoutHost: as observed on Envoy, no copy is sent if there is no host for the request itself.
func TestNoMirrorWithoutHost(t *testing.T) {
	t.Parallel()
	shadow := newEcho(t, "shadow")
	b := newBench(t, Options{}, mirroring(1), podOf("shadow", "shadow-1", shadow.address()))
	b.get("http://middle/").want(t, 503, "no healthy upstream")
	b.proxy.Close() // waits for copies
	if _, n := shadow.seen(); n != 0 {
		t.Errorf("%d copies, want none", n)
	}
}
