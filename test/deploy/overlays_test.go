package deploy

import "testing"

// TestOverlays renders every overlay once, decodes it strictly, and runs all checks on it.
func TestOverlays(t *testing.T) {
	t.Parallel()
	checks := []struct {
		name  string
		check func(t *testing.T, overlay string, s *system)
	}{
		{"labels", testLabels},
		{"workloads", testWorkloads},
		{"services", testServices},
		{"time sources", testTimeSources},
		{"rules", testRules},
		{"retries", testRetries},
		{"effects", testEffects},
		{"ingress", testIngress},
		{"who may call whom", testWhoMayCallWhom},
		{"mutual TLS", testMutualTLS},
		{"pod security", testPodSecurity},
		{"disruption budgets", testDisruptionBudgets},
	}
	for _, name := range overlays(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := decode(t, renderOverlay(t, name))
			for _, c := range checks {
				t.Run(c.name, func(t *testing.T) { c.check(t, name, s) })
			}
		})
	}
}
