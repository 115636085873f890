package up

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/tty"
	"github.com/hopline/hopline/lab/internal/workload"
)

func TestProgressTellsOfRollingUpdatesAfterTheStart(t *testing.T) {
	t.Parallel()
	pod := func(current bool, state workload.State) workload.Status {
		return workload.Status{Deployment: "hopline/middle", Current: current, State: state}
	}
	var all []bool
	got := spoken(tty.Screen{}, false, func(term *terminal) {
		p := newProgress(term)
		for _, step := range []struct {
			current, ready int
			pods           []workload.Status
		}{
			{0, 0, []workload.Status{pod(true, workload.Starting)}},
			{1, 1, []workload.Status{pod(true, workload.Ready)}},
			{0, 1, []workload.Status{pod(false, workload.Ready), pod(true, workload.Starting)}},
			{1, 2, []workload.Status{pod(false, workload.Ready), pod(true, workload.Ready)}},
			{1, 1, []workload.Status{pod(false, workload.Stopping), pod(true, workload.Ready)}},
		} {
			deployments := []workload.Deployment{{Name: "hopline/middle", Replicas: 1, Current: step.current, Ready: step.ready}}
			all = append(all, p.show(deployments, step.pods))
		}
	})
	if diff := cmp.Diff([]bool{false, true, false, false, true}, all); diff != "" {
		t.Errorf("all ready (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("hopline/middle: updating\nhopline/middle: ready\n", got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestStateOfAWorkloadInWords(t *testing.T) {
	t.Parallel()
	pod := func(state workload.State, reason string) workload.Status {
		return workload.Status{Deployment: "hopline/middle", Current: true, State: state, Reason: reason}
	}
	for want, c := range map[string]struct {
		d    workload.Deployment
		pods []workload.Status
	}{
		"ready":                       {workload.Deployment{Replicas: 1, Current: 1, Ready: 1}, nil},
		"3 ready":                     {workload.Deployment{Replicas: 3, Current: 3, Ready: 3}, nil},
		"starting":                    {workload.Deployment{Replicas: 3}, []workload.Status{pod(workload.Starting, "")}},
		"starting, 2 of 3 ready":      {workload.Deployment{Replicas: 3, Current: 2, Ready: 2}, []workload.Status{pod(workload.Starting, "")}},
		"failing: exited with code 2": {workload.Deployment{Replicas: 1}, []workload.Status{pod(workload.BackOff, "exited with code 2")}},
	} {
		c.d.Name = "hopline/middle"
		if got := stateOf(c.d, c.pods); got != want {
			t.Errorf("%+v with %v is %q, want %q", c.d, c.pods, got, want)
		}
	}
}
