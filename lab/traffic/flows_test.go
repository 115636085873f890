package traffic

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/proxy"
)

var (
	amber = &mesh.Source{Namespace: "hopline", Workload: "front-amber", Labels: map[string]string{"app": "front", "version": "amber"}}
	prod  = &mesh.Source{Namespace: "hopline", Workload: "middle-prod", Labels: map[string]string{"app": "middle", "version": "prod"}}
)

func TestFlowsCountRequestsByRuleAndWorkload(t *testing.T) {
	t.Parallel()
	f := New()
	request := proxy.Access{
		Source: amber, Status: 200, Duration: 500 * time.Millisecond,
		Route: &mesh.Route{Object: "VirtualService hopline/middle", Rule: "everybody"}, By: prod,
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 100 {
				f.Access(&request)
			}
		})
	}
	wait.Wait()
	want := []Flow{{
		Object: "VirtualService hopline/middle", Rule: "everybody", Namespace: "hopline", Workload: "middle-prod", App: "middle", Version: "prod",
		Code: 200, Requests: 400, Seconds: 200,
	}}
	if diff := cmp.Diff(want, f.Flows()); diff != "" {
		t.Errorf("flows (-want +got):\n%s", diff)
	}
	copied := New()
	copied.Access(&proxy.Access{Source: amber, Copy: true, Status: 200, By: prod})
	copied.Access(&proxy.Access{Source: amber, Status: 200, By: prod})
	counts := map[bool]uint64{}
	for _, f := range copied.Flows() {
		counts[f.Copy] += f.Requests
	}
	if diff := cmp.Diff(map[bool]uint64{true: 1, false: 1}, counts); diff != "" {
		t.Errorf("a copy and a request, by whether they are copies (-want +got):\n%s", diff)
	}
	nobody := New()
	nobody.Access(&proxy.Access{Source: amber, Status: 503, Cluster: &mesh.Cluster{Host: "core.hopline.svc.cluster.local"}})
	if diff := cmp.Diff([]Flow{{App: "core.hopline.svc.cluster.local", Code: 503, Requests: 1}}, nobody.Flows()); diff != "" {
		t.Errorf("a response of the proxy itself (-want +got):\n%s", diff)
	}
}

// TestKindsAreBounded sends more kinds of requests than are counted separately.
func TestKindsAreBounded(t *testing.T) {
	t.Parallel()
	f := New()
	for i := range 2 * maxFlows {
		f.Access(&proxy.Access{Source: amber, Status: 200, Route: &mesh.Route{Rule: fmt.Sprint(i)}})
	}
	if n := len(f.Flows()); n != maxFlows {
		t.Errorf("%d flows are counted apart, want at most %d", n, maxFlows)
	}
	if n := len(f.Edges(time.Now())); n != maxEdges {
		t.Errorf("%d edges are counted apart, want at most %d", n, maxEdges)
	}
	if n := len(f.kinds); n > maxFlows {
		t.Errorf("%d kinds are looked up, want at most %d", n, maxFlows)
	}
}
