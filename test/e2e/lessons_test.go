package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// lessons: each lesson that a cluster can play does what it says. It runs the tool that a learner runs.
func lessons(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "hopline")
	run(t, "env", "GOWORK=", "CGO_ENABLED=0", "go", "build", "-trimpath", "-o", tool, "./lab/cmd/hopline") // as make build: what that compiled is used again
	_, host, _ := strings.Cut(*ingress, "://")
	for line := range strings.Lines(run(t, tool, "lesson", "--check", "--on", "cluster", "--host", host)) {
		t.Log(strings.TrimSuffix(line, "\n")) // a lesson that is not played says why
	}
}
