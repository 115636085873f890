package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestARemovedWorkloadLosesNoRequest saves files without a version of middle and without the rule that routes to it, again and again, while
// requests are sent: the rule goes before the workload.
func TestARemovedWorkloadLosesNoRequest(t *testing.T) {
	t.Parallel()
	s := start(t, "canary", nil)
	kustomization := filepath.Join(s.deploy, "overlays/canary/kustomization.yaml")
	canary, err := os.ReadFile(kustomization)
	if err != nil {
		t.Fatal(err)
	}
	without := string(canary) + `
patches:
  - patch: "{$patch: delete, apiVersion: apps/v1, kind: Deployment, metadata: {name: middle-canary, namespace: hopline}}"
  - target: {kind: VirtualService, name: middle}
    patch: "- {op: replace, path: /spec/http/1/route, value: [{destination: {host: middle, port: {number: 80}, subset: prod}}]}"
`
	save := func(text string) {
		t.Helper()
		edited := filepath.Join(t.TempDir(), "edited")
		if err := errors.Join(os.WriteFile(edited, []byte(text), 0o600), os.Rename(edited, kustomization)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		var stop atomic.Bool
		var sent atomic.Int64
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() {
				for !stop.Load() {
					a, err := s.try("Page", "/hops")
					if sent.Add(1); err != nil || a.status != http.StatusOK {
						t.Errorf("during the change: %v, status %d, %s", err, a.status, a.body)
						return
					}
				}
			})
		}
		s.waitFor("requests", func() bool { return sent.Load() > 50 })
		save(without)
		s.waitFor("the end of the canary", func() bool { return len(s.pods("hopline/middle-canary")) == 0 })
		stop.Store(true)
		clients.Wait()
		save(string(canary))
		s.waitFor("the canary", func() bool {
			a, err := s.try("Page", "/hops") // 503 until the canary is ready
			return err == nil && strings.Contains(a.body, "middle-canary")
		})
	}
}
