package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hopline/hopline/docs/lessons"
	"github.com/hopline/hopline/lab/internal/lesson"
	"github.com/hopline/hopline/lab/internal/shipped"
)

// TestLessonsNoticeWeakenedRules: a lesson fails when the rule that it teaches is weaker than it says. Without the change it passes.
func TestLessonsNoticeWeakenedRules(t *testing.T) {
	t.Parallel()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	all, err := lesson.Read(lessons.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ lesson, file, old, new string }{
		{"explain", "overlays/canary/middle.yaml", "weight: 80", "weight: 79"},
		{"explain", "overlays/canary/middle.yaml", "", ""},
		{"by-header", "overlays/canary/core.yaml", "        - headers: {x-dev-user: {exact: stressTest}}\n", ""},
		{"by-header", "overlays/canary/core.yaml", "", ""},
		{"retries-multiply", "overlays/retry/kustomization.yaml", "attempts: 4", "attempts: 3"},
		{"retries-multiply", "overlays/retry/kustomization.yaml", "", ""},
		{"gateway", "components/mesh/ingress.yaml", "exact: /demo-app}", "exact: /demo-page}"},
		{"sidecar-resource", "components/mesh/who-may-call.yaml", "hopline/sa/middle\n", "hopline/sa/front\n"},
		{"test-and-diff", "overlays/canary/core.yaml", "        - headers: {x-dev-user: {exact: stressTest}}\n", ""},
		{"test-and-diff", "overlays/canary/core.yaml", "", ""},
		{"what-if", "overlays/canary/middle.yaml", "weight: 80", "weight: 79"},
	} {
		t.Run(c.lesson+" "+c.old, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("curl"); err != nil && c.lesson != "explain" && c.lesson != "test-and-diff" { // the others call the suite, as a learner does
				t.Skip("no curl")
			}
			err := lesson.Verify(context.Background(), named(t, all, c.lesson), lesson.Setup{Engine: lesson.Lab, Tool: filepath.Join(bin, "hopline"), Change: func(learner lesson.Copy) error {
				// In place of the checkout's deploy/, which its user edits.
				return errors.Join(shipped.Write(learner.Dir), replaceAll(filepath.Join(learner.Dir, c.file), c.old, c.new))
			}})
			var d *lesson.Difference
			if weakened := c.old != ""; weakened != errors.As(err, &d) || !weakened && err != nil {
				t.Errorf("with %q in place of %q: %v", c.new, c.old, err)
			}
		})
	}
}

func named(t *testing.T, all []*lesson.Lesson, name string) *lesson.Lesson {
	t.Helper()
	for _, l := range all {
		if l.Name == name {
			return l
		}
	}
	t.Fatalf("there is no lesson %s", name)
	return nil
}

// replaceAll replaces text in a file. It replaces nothing if old is empty.
func replaceAll(path, old, with string) error {
	text, err := os.ReadFile(path)
	if err != nil || old == "" {
		return err
	}
	changed := strings.ReplaceAll(string(text), old, with)
	if changed == string(text) {
		return errors.New(path + " does not have " + old)
	}
	return os.WriteFile(path, []byte(changed), 0o600)
}
