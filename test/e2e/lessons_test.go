package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// listed matches a lesson in the list of all lessons: its number and its title.
var listed = regexp.MustCompile(`(?m)^(?:✓ |  ) ?(\d+)  (.+?)  \(`)

// lessons: each lesson that a cluster can play does what it says. It runs the tool that a learner runs. The lessons share the cluster, so
// they are played one after the other.
func lessons(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "hopline")
	run(t, "env", "GOWORK=", "CGO_ENABLED=0", "go", "build", "-trimpath", "-o", tool, "./lab/cmd/hopline") // as make build does: its compiled packages are reused
	_, host, _ := strings.Cut(*ingress, "://")
	run(t, "kubectl", "delete", "namespace", "--ignore-not-found", "lesson", "stranger") // of a lesson that failed before its end
	all := listed.FindAllStringSubmatch(run(t, tool, "lesson"), -1)
	if len(all) == 0 {
		t.Fatal("hopline lesson: want a list of lessons")
	}
	for _, l := range all {
		t.Run(l[1]+" "+l[2], func(t *testing.T) {
			if out := run(t, tool, "lesson", l[1], "--check", "--on", "cluster", "--host", host); strings.HasPrefix(out, "not run") {
				t.Skip(out)
			}
		})
	}
}
