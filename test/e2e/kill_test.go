package e2e

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"testing"
	"time"
)

// kills: with two of each workload, pods are killed at random under load. At most one request is lost for each connection that was open to
// them, and none with the rules of overlay retry. (With one of each, requests have no endpoint until the next pod is ready.)
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
			t.Logf("%d connections were open to the pods killed", open)
			load.atMost(t, map[string]int{"retry": 0, "canary": open}[overlay])
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

// inbound matches a line of /proc/net/tcp: an established connection to port 15006, where a sidecar accepts the connections to its pod.
var inbound = regexp.MustCompile(`(?m)^ *\d+: [0-9A-F]+:3A9E [0-9A-F]+:[0-9A-F]+ 01 `)

// kill ends a pod without notice: its proxy by SIGKILL, which breaks every connection to it, and then the rest. It returns how many
// connections were open.
func kill(t *testing.T, pod string) (connections int) {
	t.Helper()
	out := run(t, "kubectl", "exec", "-n", "hopline", pod, "-c", "istio-proxy", "--", "sh", "-c", "cat /proc/net/tcp /proc/net/tcp6 && kill -9 $(pidof envoy)")
	run(t, "kubectl", "delete", "pod", "-n", "hopline", pod, "--force", "--grace-period=0")
	return len(inbound.FindAllString(out, -1))
}
