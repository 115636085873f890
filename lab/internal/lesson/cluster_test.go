package lesson

import (
	"regexp"
	"testing"

	"github.com/hopline/hopline/docs/lessons"
)

var (
	changing   = regexp.MustCompile(`\bkubectl (apply|create|delete|expose|patch|port-forward|run|set|rollout (restart|undo))\b`) // a command that changes a cluster
	requesting = regexp.MustCompile(`\bcurl\b`)
)

// TestRequestsAfterAChange: a cluster needs a moment until a change is known everywhere. `kubectl rollout status` ends when the pods are
// ready, and the proxies learn of them later. So the first request after a change is repeated until its response fits.
func TestRequestsAfterAChange(t *testing.T) {
	t.Parallel()
	all, err := Read(lessons.Files)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, l := range all {
		changed := false
		for _, step := range l.Steps {
			for _, part := range step.Parts {
				if l.NotPlayed(Cluster) != "" || !part.plays(Cluster) {
					continue
				}
				for _, run := range part.Runs {
					switch {
					case changing.MatchString(run.Command):
						changed = true
					case !changed || !requesting.MatchString(run.Command):
					case part.Kind == Until:
						changed = false
						checked++
					default:
						t.Errorf("%02d-%s.md:%d: want the first request after a change in a block `console until`, got\n%s", l.Number, l.Name, run.Line, run.Command)
					}
				}
			}
		}
	}
	if checked < 10 {
		t.Errorf("%d first requests were checked, want those of all lessons for a cluster", checked)
	}
}
