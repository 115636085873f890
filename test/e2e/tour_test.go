package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// look is one check on an overlay.
type look struct {
	name string
	at   func(*testing.T)
}

// TestTour switches from overlay to overlay, as a user who tries them does. After each step the cluster holds exactly the overlay's
// objects, every pod has its sidecar and is ready, Istio reports no problem, and the contract holds.
func TestTour(t *testing.T) {
	t.Parallel()
	visit(t, "plain", 200)
	t.Run("deploy right after a reset", deployAfterReset)
	visit(t, "canary", 2000, look{"strangers", strangers}, look{"trace in Jaeger", traceInJaeger}, look{"Prometheus", prometheus}, look{"dashboards", dashboards})
	visit(t, "prod", 200)
	visit(t, "dev", 200)
	visit(t, "beta", 500)
	visit(t, "stress", 500)
	visit(t, "split", 500)
	visit(t, "egress", 0, look{"the way out", wayOut}, look{"Zipkin", zipkinForJaeger})
	visit(t, "outlier", 500)
	visit(t, "gateway-api", 500) // before an overlay that is deployed, and not only applied: its HTTPRoutes would win over VirtualServices
	visit(t, "retry", 500)
	visitRules(t, "fault", "TestFault")
	visitRules(t, "timeout", "TestTimeout")
	visitRules(t, "mirror", "TestMirror")
	visitRules(t, "circuit", "TestCircuit")
	visitRules(t, "denied", "TestDenied")
	t.Run("lessons", lessons)
	t.Run("pods killed", kills)
	t.Run("nothing is lost", nothingIsLost)
	if out := run(t, "istioctl", "proxy-status"); strings.Contains(out, "STALE") || !strings.Contains(out, "front-amber") {
		t.Errorf("istioctl proxy-status: %s", out)
	}
	t.Run("nothing was restarted", nothingRestarted)
}

// deployAfterReset: a deploy waits until the cluster has deleted the namespace of the deploy before.
func deployAfterReset(t *testing.T) {
	run(t, "deploy/deploy.sh", "reset")
	deploy(t, "plain")
	if err := podsReady(t, false); err != nil {
		t.Error(err)
	}
}

// visit deploys an overlay, checks its state, and then runs all looks in parallel. samples is the number of samples of the conformance
// suite for each statistical case: on overlay canary enough to measure the shares, on others enough to distinguish the rules.
func visit(t *testing.T, overlay string, samples int, looks ...look) {
	t.Helper()
	t.Run(overlay, func(t *testing.T) {
		deploy(t, overlay)
		if got, want := ours(t), rendered(t, overlay); !slices.Equal(got, want) {
			t.Errorf("the cluster holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		eventually(t, time.Minute, func() error { return podsReady(t, overlay != "plain") })
		if overlay != "plain" {
			looks = append(looks, look{"istioctl analyze", analyze})
		}
		if samples > 0 {
			looks = append(looks, look{"conformance", func(t *testing.T) { conformance(t, overlay, samples) }})
		}
		for _, l := range looks {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				l.at(t)
			})
		}
	})
}

// visitRules applies only the rules of an overlay that has the objects of canary, and checks what it is about: the tests of the conformance
// suite whose names begin so.
func visitRules(t *testing.T, overlay, tests string) {
	t.Helper()
	t.Run(overlay, func(t *testing.T) {
		run(t, "deploy/deploy.sh", "rules", overlay)
		t.Run("istioctl analyze", func(t *testing.T) {
			t.Parallel()
			analyze(t)
		})
		t.Run("conformance", func(t *testing.T) {
			t.Parallel()
			conformance(t, overlay, 200, "-test.run", "^"+tests)
		})
	})
}

func analyze(t *testing.T) {
	if out := run(t, "istioctl", "analyze", "-n", "hopline"); !strings.Contains(out, "No validation issues found") {
		t.Error(out)
	}
}

// podsReady returns an error for the pods of namespace hopline unless each is ready, with or without a sidecar.
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
		mesh, ready := false, p.Metadata.DeletionTimestamp == nil
		for _, c := range slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses) {
			ready = ready && (c.Ready || c.Name == "istio-validation")
			mesh = mesh || c.Name == "istio-proxy"
		}
		if p.Metadata.DeletionTimestamp != nil && mesh == sidecar {
			continue // it is terminating, and otherwise like the others
		}
		if !ready || mesh != sidecar {
			return fmt.Errorf("pod %s: ready %v, with sidecar %v (want %v)", p.Metadata.Name, ready, mesh, sidecar)
		}
	}
	return nil
}

// nothingRestarted: no add-on, gateway or istiod has been restarted: their memory limits are sufficient.
func nothingRestarted(t *testing.T) {
	var pods struct {
		Items []struct {
			Metadata struct{ Name string }
			Status   struct {
				ContainerStatuses []struct {
					RestartCount int
					LastState    struct{ Terminated *struct{ Reason string } }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(run(t, "kubectl", "get", "pods", "-n", "istio-system", "-o", "json")), &pods); err != nil {
		t.Fatal(err)
	}
	for _, p := range pods.Items {
		for _, c := range p.Status.ContainerStatuses {
			if c.RestartCount > 0 {
				t.Errorf("%s was restarted %d times, the last time because of %+v", p.Metadata.Name, c.RestartCount, c.LastState.Terminated)
			}
		}
	}
}
