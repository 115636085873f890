package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTour goes from overlay to overlay, as somebody who tries them out would. After each step the cluster holds what the overlay says and
// nothing else, every pod has its sidecar and is ready, Istio finds nothing to complain about, and the contract holds.
func TestTour(t *testing.T) {
	for _, overlay := range []string{"canary", "prod", "dev", "beta", "stress", "plain", "retry", "split", "outlier", "egress", "canary"} {
		t.Run(overlay, func(t *testing.T) {
			deploy(t, overlay)
			want := list(t, run(t, "kubectl", "apply", "--dry-run=client", "-o", "json", "-k", "deploy/overlays/"+overlay))
			if got := ours(t); !slices.Equal(got, want) {
				t.Errorf("the cluster holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			eventually(t, time.Minute, func() error { return podsReady(t, overlay != "plain") })
			if overlay == "plain" {
				return // no ingress gateway leads there
			}
			if out := run(t, "istioctl", "analyze", "-n", "hopline"); !strings.Contains(out, "No validation issues found") {
				t.Errorf("istioctl analyze: %s", out)
			}
			conformance(t, overlay)
		})
	}
	if out := run(t, "istioctl", "proxy-status"); strings.Contains(out, "STALE") || !strings.Contains(out, "front-amber") {
		t.Errorf("istioctl proxy-status: %s", out)
	}
}

// podsReady says what is wrong with the pods of namespace hopline: each is ready, with a sidecar or without.
func podsReady(t *testing.T, sidecar bool) error {
	t.Helper()
	var pods struct {
		Items []struct {
			Metadata struct {
				Name              string
				DeletionTimestamp *time.Time
			}
			Status struct {
				ContainerStatuses, InitContainerStatuses []struct {
					Name  string
					Ready bool
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(run(t, "kubectl", "get", "pods", "-n", "hopline", "-o", "json")), &pods); err != nil {
		return err
	}
	if len(pods.Items) == 0 {
		return fmt.Errorf("no pods")
	}
	for _, p := range pods.Items {
		if p.Metadata.DeletionTimestamp != nil {
			continue
		}
		mesh, ready := false, true
		for _, c := range slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses) {
			ready = ready && (c.Ready || c.Name == "istio-validation")
			mesh = mesh || c.Name == "istio-proxy"
		}
		if !ready || mesh != sidecar {
			return fmt.Errorf("pod %s: ready %v, with sidecar %v (want %v)", p.Metadata.Name, ready, mesh, sidecar)
		}
	}
	return nil
}

// conformance runs the suite that the lab is held to as well.
func conformance(t *testing.T, overlay string) {
	t.Helper()
	cmd := exec.Command("go", "test", "-count=1", ".")
	cmd.Dir = "../conformance"
	cmd.Env = append(cmd.Environ(), "GOWORK=off", "URL="+*ingress, "OVERLAY="+overlay)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("conformance: %v\n%s", err, out)
	}
}
