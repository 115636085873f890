package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// lessons: each lesson that a cluster can play does what it says. It runs the tool that a learner runs.
func lessons(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "hopline")
	run(t, "go", "-C", "lab", "build", "-o", tool, "./cmd/hopline")
	_, host, _ := strings.Cut(*ingress, "://")
	for line := range strings.Lines(run(t, tool, "lesson", "--check", "--on", "cluster", "--host", host)) {
		t.Log(strings.TrimSuffix(line, "\n")) // a lesson that is not played says why
	}
}
