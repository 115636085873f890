//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCopy: the edits change a copy, and have the right content.
func TestCopy(t *testing.T) {
	t.Parallel()
	shipped := filepath.Join("..", "..", "deploy", "overlays", "canary", "middle.yaml")
	before := read(t, shipped)
	o, err := copyOverlay(filepath.Join("..", ".."), t.TempDir(), overlaySpec{base: "canary", replicated: true}, "http://127.0.0.1:9/api/v2/spans")
	if err != nil {
		t.Fatal(err)
	}
	if text := read(t, filepath.Join(o.dir, "kustomization.yaml")); !strings.Contains(text, "../canary") || !strings.Contains(text, "replicas, value: 2") || !strings.Contains(text, "zipkin-endpoint=http://127.0.0.1:9/") {
		t.Errorf("kustomization:\n%s", text)
	}

	restart := read(t, filepath.Join(o.dir, "restart.yaml"))
	if err := o.restart(); err != nil {
		t.Fatal(err)
	}
	if again := read(t, filepath.Join(o.dir, "restart.yaml")); again == restart || !strings.Contains(again, "kubectl.kubernetes.io/restartedAt") {
		t.Errorf("restarted by\n%s", again)
	}

	for _, canary := range []int{0, 7, 100} {
		if err := o.weights(canary); err != nil {
			t.Fatal(err)
		}
	}
	if text := read(t, filepath.Join(o.deploy, "overlays", "canary", "middle.yaml")); !strings.Contains(text, "subset: prod}, weight: 0}") || !strings.Contains(text, "subset: canary}, weight: 100}") {
		t.Errorf("weights in\n%s", text)
	}

	if err := o.limitCore(true); err != nil {
		t.Fatal(err)
	}
	if text := read(t, filepath.Join(o.dir, "core.yaml")); !strings.Contains(text, "value: 1s") || !strings.Contains(text, "perTryTimeout: 300ms") {
		t.Errorf("core is limited by\n%s", text)
	}
	if read(t, shipped) != before {
		t.Error("the shipped rule has changed")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
