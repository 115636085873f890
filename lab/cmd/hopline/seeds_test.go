package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestSeedsNames: with the component seeds, minimal-service's own names configure bounced and minimal.
func TestSeedsNames(t *testing.T) {
	t.Parallel()
	s := start(t, "canary", func(deploy string) {
		edit(t, filepath.Join(deploy, "overlays/canary/kustomization.yaml"), "components/disruption\n", "components/disruption\n  - ../../components/seeds\n")
		edit(t, filepath.Join(deploy, "components/seeds/names.yaml"), `DELAY_MAX, value: "0"`, `DELAY_MAX, value: "3"`)
	})
	for workload, want := range map[string]string{
		"hopline/bounced":    `{"error_rate":70,"drop_rate":0,"latency":"0s-3s"}`,
		"hopline/minimal-v1": `{"error_rate":0,"drop_rate":0,"latency":"0s-3s"}`,
	} {
		var got struct{ Pods []struct{ Rates any } }
		var wanted any
		for text, to := range map[string]any{s.get("Console", "/api/faults?workload="+workload).body: &got, want: &wanted} {
			if err := json.Unmarshal([]byte(text), to); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
		}
		if len(got.Pods) != 1 {
			t.Fatalf("%s has %d pods, want 1", workload, len(got.Pods))
		}
		if d := gocmp.Diff(wanted, got.Pods[0].Rates); d != "" {
			t.Errorf("faults of %s (-want +got):\n%s", workload, d)
		}
	}
}
