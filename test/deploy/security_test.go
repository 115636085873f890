package deploy

import (
	"testing"

	security "istio.io/api/security/v1beta1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// testPodSecurity applies the API server's check for a namespace that enforces "restricted", in its newest version.
func testPodSecurity(t *testing.T, _ string, s *system) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for key, d := range s.deployments {
		pod := d.Spec.Template
		for _, r := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
			if !r.Allowed {
				t.Errorf("%s: %s: %s", key, r.ForbiddenReason, r.ForbiddenDetail)
			}
		}
		// Beyond "restricted": nothing is writable, and there is no token for the API server.
		c := pod.Spec.Containers[0]
		if c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
			t.Errorf("%s: the root file system can be written to", key)
		}
		if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
			t.Errorf("%s: a token of the API server is mounted", key)
		}
	}
	for name, n := range s.namespaces {
		if n.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
			t.Errorf("Namespace %s does not enforce restricted: %v", name, n.Labels)
		}
	}
}

// testMutualTLS: STRICT, and PERMISSIVE only on the admin port. Only hopline has sidecars.
func testMutualTLS(t *testing.T, overlay string, s *system) {
	if overlay == "plain" {
		if s.namespaces["hopline"].Labels["istio-injection"] != "" || len(s.peerAuthentications) != 0 {
			t.Error("plain has labels for a sidecar")
		}
		return
	}
	if in, out := s.namespaces["hopline"].Labels["istio-injection"], s.namespaces["hopline-outside"].Labels["istio-injection"]; in != "enabled" || out != "disabled" {
		t.Errorf("istio-injection is %q in hopline and %q in hopline-outside", in, out)
	}
	for key, p := range s.peerAuthentications {
		if p.Mtls.GetMode() != security.PeerAuthentication_MutualTLS_STRICT {
			t.Errorf("PeerAuthentication %s: mode %s", key, p.Mtls.GetMode())
		}
		for port, m := range p.PortLevelMtls {
			if port != admin || m.Mode != security.PeerAuthentication_MutualTLS_PERMISSIVE || len(p.Selector.GetMatchLabels()) == 0 {
				t.Errorf("PeerAuthentication %s: port %d is %s for %v", key, port, m.Mode, p.Selector)
			}
		}
	}
	if p := s.peerAuthentications["hopline/admin-port"]; p == nil || p.PortLevelMtls[admin] == nil {
		t.Error("Prometheus, which has no certificate, cannot reach the admin port")
	}
}

// testDisruptionBudgets: one for each app of the mesh, which allows one pod to be evicted.
func testDisruptionBudgets(t *testing.T, overlay string, s *system) {
	if overlay == "plain" {
		return
	}
	for _, p := range s.parties() {
		if _, ours := callers("canary")[p.String()]; !ours || p.namespace != "hopline" {
			continue
		}
		b := s.budgets["hopline/"+p.app]
		if b == nil || b.Spec.MaxUnavailable.IntValue() != 1 || !matches(b.Spec.Selector, p.labels) {
			t.Errorf("no budget of one for %s: %v", p.app, b)
		}
	}
}
