package up

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/console"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

func TestFlowsCountRequestsByRuleAndWorkload(t *testing.T) {
	t.Parallel()
	f := newFlows()
	request := proxy.Access{
		Status: 200, Duration: 500 * time.Millisecond,
		Route: &mesh.Route{Object: "VirtualService hopline/middle", Rule: "everybody"},
		By:    &mesh.Source{Namespace: "hopline", Workload: "middle-prod", Labels: map[string]string{"app": "middle", "version": "prod"}},
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 100 {
				f.access(&request)
			}
		})
	}
	wait.Wait()
	want := []console.Flow{{
		Object: "VirtualService hopline/middle", Rule: "everybody", Namespace: "hopline", Workload: "middle-prod", App: "middle", Version: "prod",
		Code: 200, Requests: 400, Seconds: 200,
	}}
	if diff := cmp.Diff(want, f.all()); diff != "" {
		t.Errorf("flows (-want +got):\n%s", diff)
	}
	copied := newFlows()
	copied.access(&proxy.Access{Copy: true, Status: 200, By: request.By})
	copied.access(&proxy.Access{Status: 200, By: request.By})
	counts := map[bool]uint64{}
	for _, f := range copied.all() {
		counts[f.Copy] += f.Requests
	}
	if diff := cmp.Diff(map[bool]uint64{true: 1, false: 1}, counts); diff != "" {
		t.Errorf("a copy and a request, by whether they are copies (-want +got):\n%s", diff)
	}
	nobody := newFlows()
	nobody.access(&proxy.Access{Status: 503, Cluster: &mesh.Cluster{Host: "core.hopline.svc.cluster.local"}})
	if diff := cmp.Diff([]console.Flow{{App: "core.hopline.svc.cluster.local", Code: 503, Requests: 1}}, nobody.all()); diff != "" {
		t.Errorf("an answer of the proxy's own (-want +got):\n%s", diff)
	}
}

func TestFlowsAreBounded(t *testing.T) {
	t.Parallel()
	f := newFlows()
	for i := range 2 * maxFlows {
		f.access(&proxy.Access{Status: 200, Route: &mesh.Route{Rule: fmt.Sprint(i)}})
	}
	if n := len(f.all()); n != maxFlows {
		t.Errorf("%d kinds of requests are counted apart, want at most %d", n, maxFlows)
	}
}

func BenchmarkFlow(b *testing.B) {
	f := newFlows()
	request := proxy.Access{
		Status: 200, Duration: time.Millisecond,
		Route: &mesh.Route{Object: "VirtualService hopline/middle", Rule: "everybody"},
		By:    &mesh.Source{Namespace: "hopline", Workload: "middle-prod", Labels: map[string]string{"app": "middle", "version": "prod"}},
	}
	b.ReportAllocs()
	for b.Loop() {
		f.access(&request)
	}
}
