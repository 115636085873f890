package e2e

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"
)

// Under load, nothing that a teacher does costs a request: every workload restarted, istiod restarted, overlays switched.
func TestNothingIsLost(t *testing.T) {
	deploy(t, "canary")
	stop := load(t, 200)
	run(t, "kubectl", "rollout", "restart", "deployment", "-n", "hopline", "-l", "app.kubernetes.io/part-of=hopline")
	for _, workload := range []string{"front-amber", "front-blue", "front-green", "middle-prod", "middle-canary", "middle-dev", "core-prod", "core-test", "clock"} {
		run(t, "kubectl", "rollout", "status", "-n", "hopline", "deployment/"+workload, "--timeout=180s")
	}
	run(t, "kubectl", "rollout", "restart", "deployment", "-n", "istio-system", "istiod")
	run(t, "kubectl", "rollout", "status", "-n", "istio-system", "deployment/istiod", "--timeout=180s")
	for _, overlay := range []string{"prod", "split", "egress", "canary"} {
		deploy(t, overlay)
	}
	sent, failed := stop()
	for what, n := range failed {
		t.Errorf("%d of %d requests: %s", n, sent, what)
	}
	t.Logf("%d requests, %d kinds of failure", sent, len(failed))
}

// load sends so many requests a second, whether answers come or not, until it is told to stop; then it waits for the last answers.
func load(t *testing.T, perSecond int) (stop func() (sent int, failed map[string]int)) {
	t.Helper()
	var mu sync.Mutex
	failed, sent := map[string]int{}, 0
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			sent++
			path, headers := "/demo-app/hops", []string{}
			switch i % 3 {
			case 1:
				headers = []string{"x-dev-user", "betaUser"}
			case 2:
				path = "/demo-app/hello"
			}
			all.Go(func() {
				a, err := ask("GET", *ingress+path, "", headers...)
				if err == nil && a.code == 200 {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				failed[fmt.Sprintf("%s %d %.120s %v", path, a.code, a.body, err)]++
			})
		}
	})
	return func() (int, map[string]int) {
		close(done)
		all.Wait()
		return sent, maps.Clone(failed)
	}
}
