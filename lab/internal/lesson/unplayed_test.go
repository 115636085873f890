package lesson

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hopline/hopline/docs/lessons"
)

var (
	makes    = regexp.MustCompile(`\bmake ((?:[a-z0-9-]+ ?|[A-Z]+=\S+ ?)+)`)
	applied  = regexp.MustCompile(`(?:kubectl apply (?:-k|-f)|--overlay) ([a-z][a-z/.-]+)`)
	ruleForm = regexp.MustCompile(`(?m)^([a-z0-9-]+(?: [a-z0-9-]+)*):`)
)

// TestUnplayedLessons checks what can be checked of lessons that no test plays: their commands are in the shell's grammar, and the targets of
// make, the overlays and the manifests that they name are in the checkout.
func TestUnplayedLessons(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	targets := targetsOfMake(t, root)
	all, err := Read(lessons.Files)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, l := range all {
		if l.Unplayed == "" {
			continue
		}
		for _, run := range runsOf(l) {
			wrong := func(format string, args ...any) {
				t.Helper()
				t.Errorf("%02d-%s.md:%d: "+format, append([]any{l.Number, l.Name, run.Line}, args...)...)
			}
			checked++
			if out, err := exec.Command("sh", "-n", "-c", run.Command).CombinedOutput(); err != nil {
				wrong("%v: %s", err, out)
			}
			for _, m := range makes.FindAllStringSubmatch(run.Command, -1) {
				for _, word := range strings.Fields(m[1]) {
					name, isOverlay := strings.CutPrefix(word, "OVERLAY=")
					switch {
					case isOverlay && !exists(root, "deploy/overlays/"+name) && !exists(root, "deploy/meshes/"+name):
						wrong("there is no overlay %s", name)
					case !strings.Contains(word, "=") && !slices.Contains(targets, word):
						wrong("make has no target %s", word)
					}
				}
			}
			for _, m := range applied.FindAllStringSubmatch(run.Command, -1) {
				if !exists(root, m[1]) && !exists(root, "deploy/"+m[1]) {
					wrong("there is no %s in the checkout and none in the copy", m[1])
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("%d commands were checked, want those of all lessons that no test plays", checked)
	}
}

// runsOf returns all commands of a lesson.
func runsOf(l *Lesson) (runs []Run) {
	for _, step := range append(slices.Clone(l.Steps), optional(l.Broken)...) {
		for _, part := range step.Parts {
			runs = append(runs, part.Runs...)
		}
	}
	return runs
}

// targetsOfMake returns the targets of the checkout's Makefile.
func targetsOfMake(t *testing.T, root string) (targets []string) {
	t.Helper()
	for _, name := range []string{"Makefile", "deploy/deploy.mk"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ruleForm.FindAllStringSubmatch(string(text), -1) {
			targets = append(targets, strings.Fields(m[1])...)
		}
	}
	return targets
}

func exists(root, path string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(path)))
	return err == nil
}
