package workload

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNewRolloutReadsNumbersAndPercentages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		replicas           int
		surge, unavailable string
		want               rollout
	}{
		{1, "25%", "25%", rollout{1, 1, 0}},
		{4, "25%", "25%", rollout{4, 1, 1}},
		{10, "25%", "25%", rollout{10, 3, 2}}, // rounded up and down
		{3, "1", "0", rollout{3, 1, 0}},
		{3, "0", "0", rollout{3, 0, 1}},
		{3, "0%", "20%", rollout{3, 0, 1}},
		{0, "25%", "25%", rollout{0, 0, 1}},
	} {
		got, err := newRollout(c.replicas, c.surge, c.unavailable)
		if err != nil || got != c.want {
			t.Errorf("newRollout(%d, %q, %q) = %+v, %v; want %+v", c.replicas, c.surge, c.unavailable, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "%", "-1", "half", "1.5"} {
		if _, err := newRollout(1, bad, "0"); err == nil {
			t.Errorf("maxSurge %q is taken", bad)
		}
	}
}

// TestRolloutNeverLeavesTheBoundsAndSettles simulates rolling updates with pods that become ready, fail and end in any order. There are
// never more than replicas + surge pods, no step stops a ready pod that is needed, and in the end the wanted pods run.
func TestRolloutNeverLeavesTheBoundsAndSettles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rollout{replicas: rapid.IntRange(0, 6).Draw(t, "replicas"), surge: rapid.IntRange(0, 3).Draw(t, "surge"), unavailable: rapid.IntRange(0, 3).Draw(t, "unavailable")}
		if r.surge+r.unavailable == 0 {
			r.unavailable = 1
		}
		var pods []member
		for range r.replicas {
			pods = append(pods, member{ready: rapid.Bool().Draw(t, "ready")})
		}
		age := 0
		for range 100 {
			add, stop := r.plan(pods)
			if add == 0 && len(stop) == 0 {
				unready := -1
				for i, p := range pods {
					if !p.ready && (p.current || unready < 0) {
						unready = i
					}
				}
				if unready < 0 {
					break
				}
				pods[unready].ready = true
				continue
			}
			readyBefore, lost := 0, 0
			for _, p := range pods {
				if p.ready {
					readyBefore++
				}
			}
			gone := map[int]bool{}
			for _, i := range stop {
				if gone[i] {
					t.Fatalf("pod %d is stopped twice", i)
				}
				gone[i] = true
				if pods[i].ready {
					lost++
				}
			}
			if lost > 0 && readyBefore-lost < r.replicas-r.unavailable {
				t.Fatalf("%+v: stopping %v of %+v leaves %d ready, want %d", r, stop, pods, readyBefore-lost, r.replicas-r.unavailable)
			}
			var next []member
			for i, p := range pods {
				if !gone[i] {
					next = append(next, p)
				}
			}
			for range add {
				age--
				next = append(next, member{current: true, age: age})
			}
			if len(next) > max(r.replicas+r.surge, len(pods)) {
				t.Fatalf("%+v: %d pods after adding %d to %d", r, len(next), add, len(pods))
			}
			pods = next
		}
		for _, p := range pods {
			if !p.current || !p.ready {
				t.Fatalf("%+v has not settled: %+v", r, pods)
			}
		}
		if len(pods) != r.replicas {
			t.Fatalf("%+v: settled with %d pods", r, len(pods))
		}
	})
}

func TestRolloutStopsThoseNobodyMissesFirst(t *testing.T) {
	t.Parallel()
	_, stop := rollout{replicas: 1}.plan([]member{
		{current: true, ready: true, age: 3},
		{current: true, ready: true, age: 1},
		{current: true, ready: false, age: 2},
	})
	if len(stop) != 2 || stop[0] != 2 || stop[1] != 1 {
		t.Errorf("stops %v, want the one that is not ready, then the youngest", stop)
	}
}
