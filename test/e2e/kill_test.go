package e2e

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// kills: with two of each workload pods are killed at random under load. What is lost is at most one request for each connection that was open to
// them, and with the rules of overlay retry nothing. (With one of each, requests have nowhere to go until the next pod is there.)
func kills(t *testing.T) {
	run(t, "kubectl", "apply", "-k", kustomization(t, "overlays/retry", "components/replicated"))
	for _, overlay := range []string{"retry", "canary"} {
		t.Run(overlay, func(t *testing.T) {
			run(t, "deploy/deploy.sh", "rules", overlay)
			eventually(t, 3*time.Minute, func() error { return podsReady(t, true) })
			load := load(t)
			open := 0
			for _, pod := range oneOfEach(t) {
				open += kill(t, pod)
			}
			eventually(t, 3*time.Minute, func() error { return podsReady(t, true) })
			n, how := load.failures(t)
			t.Logf("%d connections were open to the pods killed", open)
			if limit := map[string]int{"retry": 0, "canary": open}[overlay]; n > limit {
				t.Errorf("%d requests failed, want %d at most:\n%s", n, limit, how)
			}
		})
	}
}

// oneOfEach returns a pod of each workload that the load calls, in random order.
func oneOfEach(t *testing.T) (names []string) {
	t.Helper()
	var pods struct {
		Items []struct {
			Metadata struct {
				Name   string
				Labels map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(run(t, "kubectl", "get", "pods", "-n", "hopline", "-l", "app in (front,middle,core,clock)", "-o", "json")), &pods); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, i := range rand.Perm(len(pods.Items)) {
		pod := pods.Items[i].Metadata
		if workload := pod.Labels["app.kubernetes.io/instance"]; !seen[workload] {
			seen[workload] = true
			names = append(names, pod.Name)
		}
	}
	return names
}

// kill ends a pod without notice: its proxy by SIGKILL, which breaks every connection to it, and then the rest. It returns how many were open.
func kill(t *testing.T, pod string) (connections int) {
	t.Helper()
	out := run(t, "kubectl", "exec", "-n", "hopline", pod, "-c", "istio-proxy", "--", "sh", "-c",
		`pilot-agent request GET 'stats?filter=^listener.0.0.0.0_15006.downstream_cx_active$' && kill -9 $(pidof envoy)`)
	found := regexp.MustCompile(`downstream_cx_active: (\d+)`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("pod %s does not say how many connections are open: %s", pod, out)
	}
	connections, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	run(t, "kubectl", "delete", "pod", "-n", "hopline", pod, "--force", "--grace-period=0")
	return connections
}
