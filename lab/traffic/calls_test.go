package traffic

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

func TestCallsKeepWhatRulesMatchOn(t *testing.T) {
	t.Parallel()
	f := New()
	egress := mesh.EgressGateway()
	start := time.Unix(1_800_000_000, 0)
	values := [][]string{{"betaUser", "second"}, nil, {"x"}}
	f.Access(&proxy.Access{
		Source: &egress, From: amber, By: prod, Upstream: "x", Start: start, Duration: time.Second, Status: 403, Denied: true, Flags: "DI", Attempts: 2,
		Method: "GET", Scheme: "http", Authority: "middle", Port: 80, Path: "/hops?a=1", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Headers: []string{"X-Dev-User", "X-Absent", "X-Other"}, Values: values,
		Route: &mesh.Route{Object: "VirtualService hopline/middle", Rule: "everybody"},
	})
	values[0][0] = "changed" // the record belongs to the proxy
	want := Call{
		Number: 1, Source: &egress, From: amber, Start: start, Duration: time.Second, Status: 403, Denied: true, Injected: true, Flags: "DI", Tries: 2,
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Edge:    EdgeKey{From: End{Gateway, egress.Namespace, "istio-egressgateway"}, To: End{Workload, "hopline", "middle-prod"}, Object: "VirtualService hopline/middle", Rule: "everybody"},
		Request: mesh.Request{Method: "GET", Scheme: "http", Authority: "middle", Port: 80, Path: "/hops?a=1",
			Header: http.Header{"X-Dev-User": {"betaUser", "second"}, "X-Other": {"x"}}},
	}
	calls := f.Calls(10, nil)
	if diff := cmp.Diff([]Call{want}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if calls[0].Source == &egress || calls[0].From == amber {
		t.Error("a call keeps the proxy's state alive")
	}
}

func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	f := New()
	large := strings.Repeat("x", 100_000)
	for i := range maxCalls + 5 {
		f.Access(&proxy.Access{Source: amber, By: prod, Status: 200 + i%2, Path: fmt.Sprint("/", i, "/", large), Headers: []string{"A", "B"}, Values: [][]string{{large, large, large}, {large}}})
	}
	calls := f.Calls(2*maxCalls, nil)
	if len(calls) != maxCalls || calls[0].Number != maxCalls+5 || calls[maxCalls-1].Number != 6 {
		t.Fatalf("%d calls, the first with number %d, want %d from %d", len(calls), calls[0].Number, maxCalls, maxCalls+5)
	}
	if !strings.HasPrefix(calls[0].Request.Path, "/1004/") || len(calls[0].Request.Path) != maxText || !calls[0].Cut {
		t.Errorf("the path has %d bytes: %.20s, cut %t", len(calls[0].Request.Path), calls[0].Request.Path, calls[0].Cut)
	}
	for _, r := range f.calls.records {
		if cap(r.bytes) > 2*maxBytes {
			t.Fatalf("%d bytes are kept of a call, want at most %d", cap(r.bytes), 2*maxBytes)
		}
	}
	if n := len(f.Calls(3, nil)); n != 3 {
		t.Errorf("%d calls with a limit of 3", n)
	}
	if n := len(f.Calls(10, func(k EdgeKey) bool { return k.To.Kind == Gateway })); n != 0 {
		t.Errorf("%d calls of an edge without any", n)
	}
	f.Access(&proxy.Access{Source: amber, Path: "/short"})
	if c := f.Calls(1, nil)[0]; c.Cut || c.Request.Path != "/short" || len(c.Request.Header) != 0 {
		t.Errorf("after large calls a small one reads %+v", c)
	}
}

// request returns a usual record of the proxy, with the two headers that the rules of canary match on.
func request() *proxy.Access {
	return &proxy.Access{
		Source: amber, By: prod, Upstream: "127.0.0.1:1", Start: time.Now(), Duration: time.Millisecond, Status: 200, Flags: "-", Attempts: 1,
		Route: &mesh.Route{Object: "VirtualService hopline/middle", Rule: "everybody"}, Cluster: &mesh.Cluster{Host: "middle.hopline.svc.cluster.local"},
		Method: "GET", Scheme: "http", Authority: "middle", Port: 80, Path: "/hops", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Headers: []string{"X-Dev-User"}, Values: [][]string{{"betaUser"}},
	}
}

// TestAccessAllocatesNothing holds once the ring is full.
func TestAccessAllocatesNothing(t *testing.T) {
	f, a := New(), request()
	for range maxCalls {
		f.Access(a)
	}
	if n := testing.AllocsPerRun(1000, func() { f.Access(a) }); n > 0 {
		t.Errorf("%v allocations per request, want none", n)
	}
}

func BenchmarkAccess(b *testing.B) {
	f, a := New(), request()
	for range maxCalls {
		f.Access(a)
	}
	b.ReportAllocs()
	for b.Loop() {
		f.Access(a)
	}
}
