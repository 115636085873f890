package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// perSecond is the rate of all loads. Two cores carry it with room for pods that start: near their limit, probes fail, retries multiply, and
// what fails says nothing about the mesh.
const perSecond = 100

// pressure is a load at a constant rate through the ingress, regardless of responses.
type pressure struct {
	stop func() // ends it and waits for the last responses; it may be called more than once

	late int // the number of requests sent more than a quarter of a second after they were due; read it after stop

	mu     sync.Mutex
	sent   int
	failed map[string]int // by what the caller got
}

// load starts requests that every workload of the chain takes part in. They end with the test at the latest.
func load(t *testing.T) *pressure {
	t.Helper()
	p := &pressure{failed: map[string]int{}}
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		begun := time.Now()
		for i := 0; ; i++ {
			due := begun.Add(time.Duration(i) * time.Second / perSecond)
			select {
			case <-done:
				return
			case <-time.After(time.Until(due)): // late ones are sent immediately
			}
			if time.Since(due) > 250*time.Millisecond {
				p.late++
			}
			all.Go(func() { p.ask(i) })
		}
	})
	p.stop = sync.OnceFunc(func() {
		close(done)
		all.Wait()
	})
	t.Cleanup(p.stop)
	return p
}

func (p *pressure) ask(i int) {
	path, headers := "/demo-app/hops", []string{"x-b3-sampled", "1"}
	if i%10 > 0 {
		headers[1] = "0" // spans of every request would use as much of a small machine as the requests themselves
	}
	switch i % 3 {
	case 1:
		headers = append(headers, "x-dev-user", "betaUser")
	case 2:
		path = "/demo-app/hello"
	}
	a, err := ask("GET", *ingress+path, "", headers...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent++
	if err != nil || a.code != 200 {
		p.failed[fmt.Sprintf("%s %s %d %.160q %v", time.Now().Format(time.TimeOnly), path, a.code, a.body, err)]++
	}
}

// atMost ends the load, and fails the test if more than limit requests failed. On a machine so busy that it sends requests late, more than
// one in a hundred, failures prove nothing about the mesh: the test is then skipped with that reason.
func (p *pressure) atMost(t *testing.T, limit int) {
	t.Helper()
	p.stop()
	n := 0
	var lines []string
	for what, times := range p.failed {
		n += times
		lines = append(lines, fmt.Sprintf("%4d × %s", times, what))
	}
	slices.Sort(lines)
	t.Logf("%d of %d requests failed", n, p.sent)
	if n > limit && p.late*100 > p.sent {
		t.Skipf("void, the machine was too busy: %d of %d requests were sent more than 250 ms late", p.late, p.sent)
	}
	if n > limit {
		t.Errorf("%d requests failed, want %d at most:\n%s", n, limit, strings.Join(lines, "\n"))
	}
}

// nothingIsLost: no operation of a demonstration loses a request: restarting every workload, restarting istiod, or switching overlays.
func nothingIsLost(t *testing.T) {
	deploy(t, "canary")
	load := load(t)
	t.Run("workloads restarted", func(t *testing.T) {
		for _, verb := range []string{"restart", "status"} {
			run(t, "kubectl", "rollout", verb, "deployments", "-n", "hopline", "-l", "app.kubernetes.io/part-of=hopline")
		}
	})
	t.Run("istiod restarted", func(t *testing.T) {
		run(t, "kubectl", "rollout", "restart", "-n", "istio-system", "deployment/istiod")
		rolledOut(t, "istio-system", "istiod")
	})
	for _, overlay := range []string{"prod", "split", "egress", "canary"} {
		t.Run("to "+overlay, func(t *testing.T) { deploy(t, overlay) })
	}
	load.atMost(t, 0)
}
