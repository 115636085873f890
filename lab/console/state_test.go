package console

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/internal/shipped/loaded"
	"github.com/hopline/hopline/lab/internal/workload"
	"github.com/hopline/hopline/lab/traffic"
)

func TestWorkloads(t *testing.T) {
	t.Parallel()
	source := &lab{
		deployments: []workload.Deployment{{Name: "hopline/core-prod", Replicas: 2, Ready: 1}, {Name: "hopline/clock"}},
		pods: []workload.Status{
			pod("hopline/core-prod", "core", "prod", workload.Ready), pod("hopline/core-prod", "core", "prod", workload.BackOff),
			pod("hopline/core-old", "core", "old", workload.Stopping),
		},
		edges: []traffic.Edge{edgeTo("core-prod", 30, 0, 0)}, // in ten seconds
	}
	source.pods[1].Restarts, source.pods[1].Reason = 3, "exit status 137"
	source.pods[1].Ended, source.pods[1].LastLine, source.pods[1].Again = "ended by signal: killed", "request", time.UnixMilli(1_800_000_002_000)
	c := New(source, nil, Driving{})
	now := time.Unix(1_800_000_000, 0)
	var s State
	if err := json.Unmarshal(c.observe(now), &s); err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, w := range s.Workloads {
		got += fmt.Sprintf("%s %s %s %d/%d restarts %d, %v/s:", w.Name, w.App, w.Version, w.Ready, w.Replicas, w.Restarts, w.Rate.PerSecond)
		for _, p := range w.Pods {
			got += fmt.Sprintf(" %s %q", p.State, p.Reason)
			if p.Ended != "" {
				got += fmt.Sprintf(" (%s, last line %q, again at %d)", p.Ended, p.LastLine, p.Again)
			}
		}
		got += "\n"
	}
	const want = `hopline/clock   0/0 restarts 0, 0/s:
hopline/core-old core old 0/0 restarts 0, 0/s: stopping ""
hopline/core-prod core prod 1/2 restarts 3, 3/s: ready "" backoff "exit status 137" (ended by signal: killed, last line "request", again at 1800000002000)
`
	if got != want {
		t.Errorf("the workloads are\n%swant\n%s", got, want)
	}
}

// TestCountedAnew changes the edition: the counts of the new weights begin at 0.
func TestCountedAnew(t *testing.T) {
	t.Parallel()
	flow := traffic.Flow{Object: "VirtualService hopline/middle", Rule: "everybody", Namespace: "hopline", Workload: "middle-prod", App: "middle", Version: "prod", Code: 200}
	_, table := loaded.Overlay(t, "canary")
	source := &lab{edition: Edition{Revision: 1, Table: table}}
	c := New(source, nil, Driving{})
	counted := func(requests uint64) uint64 {
		t.Helper()
		flow.Requests = requests
		source.flows = []traffic.Flow{flow}
		var s State
		if err := json.Unmarshal(c.observe(time.Now()), &s); err != nil {
			t.Fatal(err)
		}
		return find(t, s.Rules, flow.Object, flow.Rule).Requests
	}
	for _, step := range []struct {
		revision       int
		requests, want uint64
	}{{1, 5, 0}, {1, 25, 20}, {2, 30, 0}, {2, 34, 4}, {3, 34, 0}} {
		source.edition.Revision = step.revision
		if got := counted(step.requests); got != step.want {
			t.Errorf("in edition %d after %d requests %d are counted, want %d", step.revision, step.requests, got, step.want)
		}
	}
}
