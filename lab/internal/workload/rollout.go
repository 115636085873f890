package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rollout holds how many pods of each kind a Deployment allows while it changes from one template to another.
type rollout struct {
	replicas    int
	surge       int // pods allowed above replicas
	unavailable int // ready pods that may be missing from replicas
}

// newRollout decodes maxSurge and maxUnavailable, each a number or a percentage of replicas. As in Kubernetes the first is rounded up and
// the second down. When both are 0, one pod may be unavailable; otherwise no update could make progress.
func newRollout(replicas int, maxSurge, maxUnavailable string) (rollout, error) {
	surge, err := share(maxSurge, replicas, true)
	if err != nil {
		return rollout{}, fmt.Errorf("maxSurge: %w", err)
	}
	unavailable, err := share(maxUnavailable, replicas, false)
	if err != nil {
		return rollout{}, fmt.Errorf("maxUnavailable: %w", err)
	}
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return rollout{replicas: replicas, surge: surge, unavailable: unavailable}, nil
}

// share decodes a number, or a percentage of whole.
func share(text string, whole int, up bool) (int, error) {
	digits, percent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("want a number or a percentage from 0, got %q", text)
	}
	if !percent {
		return n, nil
	}
	if up {
		return (n*whole + 99) / 100, nil
	}
	return n * whole / 100, nil
}

// member is the state of a pod that the plan needs. Terminating pods are not members.
type member struct {
	current bool // made from the current template
	ready   bool
	age     int // greater means older
}

// plan returns one step of a rolling update, as Kubernetes' deployment controller takes it (pkg/controller/deployment/rolling.go): how many
// pods to add from the current template, and which members to stop. It returns nothing to add or stop when there are exactly replicas
// current pods and no others.
func (r rollout) plan(members []member) (add int, stop []int) {
	var current, old, ready []int
	for i, m := range members {
		if m.current {
			current = append(current, i)
		} else {
			old = append(old, i)
		}
		if m.ready {
			ready = append(ready, i)
		}
	}
	if extra := len(current) - r.replicas; extra > 0 {
		stop = stopOrder(members, current)[:extra]
	} else {
		add = max(0, min(-extra, r.replicas+r.surge-len(members)))
	}
	if add > 0 || len(stop) > 0 {
		return add, stop
	}
	return 0, r.stopOld(members, current, old, len(ready))
}

// stopOld returns which pods of earlier templates can be stopped: first those that are not ready, since they serve no requests, then as
// many ready ones as leaves enough.
func (r rollout) stopOld(members []member, current, old []int, ready int) []int {
	needed := r.replicas - r.unavailable
	notYetReady := 0
	for _, i := range current {
		if !members[i].ready {
			notYetReady++
		}
	}
	budget := len(members) - needed - notYetReady
	spare := ready - needed // ready pods beyond those that are needed
	var stop []int
	for _, i := range stopOrder(members, old) {
		if len(stop) >= budget {
			break
		}
		if members[i].ready {
			if spare <= 0 {
				break
			}
			spare--
		}
		stop = append(stop, i)
	}
	return stop
}

// stopOrder sorts indices of members in the order in which they are stopped: those not ready first, then the youngest.
func stopOrder(members []member, indices []int) []int {
	return slices.SortedStableFunc(slices.Values(indices), func(a, b int) int {
		if members[a].ready != members[b].ready {
			if members[b].ready {
				return -1
			}
			return 1
		}
		return cmp.Compare(members[a].age, members[b].age)
	})
}
