package lesson

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/docs/lessons"
)

// fakeLab runs every overlay, and lists the overlays that it ran.
type fakeLab struct{ ran, saved []string }

func (f *fakeLab) Run(dir string) ([]string, error) {
	f.ran = append(f.ran, dir)
	return []string{"  Page     http://localhost:1234/demo-app/  press Hops"}, nil
}
func (f *fakeLab) Saved(below string) { f.saved = append(f.saved, below) }

// guideOf returns a guide to one lesson, with short limits, and the directory in which the learner works.
func guideOf(t *testing.T, lab Running, body string) (g *Guide, dir string) {
	t.Helper()
	dir = t.TempDir()
	g = NewGuide([]*Lesson{of(t, body)}, dir, "/bin/false", Addresses{Ingress: "localhost:1234"}, lab)
	g.limits = limits{command: time.Second, until: time.Second, check: time.Second, ready: time.Second}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g, dir
}

// step does a step of the only lesson.
func (g *Guide) step(t *testing.T, step int, how How) *Outcome {
	t.Helper()
	o, err := g.Step(t.Context(), 1, step, how)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const guided = "## S\n\n'''console\n$ hopline up overlays/canary &\n…\nPage http://localhost:8080/demo-app/ …\n'''\n\n" +
	"'''console\n$ x=one; echo $x\none\n$ echo $x http://localhost:8080/; echo two\none http://localhost:8080/\nthree\n'''\n\n" +
	"<details><summary>Why `x`?</summary>\n\nBecause.\n\n</details>\n\n" +
	"'''diff\n--- overlays/prod/kustomization.yaml\n-resources:\n+resource:\n'''\n\n'''console cluster\n$ false\n'''\n"

// TestGuideWalksThroughALesson does each step of a lesson: what differs is shown, a change is checked or made, and at the end the lesson is
// done for `hopline lesson`, too.
func TestGuideWalksThroughALesson(t *testing.T) {
	t.Parallel()
	lab := &fakeLab{}
	g, dir := guideOf(t, lab, guided)
	learner := filepath.Join(dir, CopyName)
	for _, c := range []struct {
		step int
		how  How
		want Outcome
	}{
		{1, Do, Outcome{Passed: true, Lines: []string{"  Page     http://localhost:8080/demo-app/  press Hops"}, Next: 2}},
		{2, Do, Outcome{Passed: true, Lines: []string{"one"}, Next: 3}},
		{3, Do, Outcome{Difference: []string{"  one http://localhost:8080/", "- three", "+ two"}, Next: 3}},
		{2, Do, Outcome{Passed: true, Lines: []string{"one"}, Next: 3}},
		{3, Skip, Outcome{Passed: true, Next: 4}},
		{4, Look, Outcome{Reason: "the file does not have this change yet", Next: 4}},
		{4, Do, Outcome{Passed: true}},
		{4, Look, Outcome{Passed: true}},
	} {
		got := *g.step(t, c.step, c.how)
		if c.want.Lines == nil {
			c.want.Lines = []string{}
		}
		if c.want.Difference == nil {
			c.want.Difference = []string{}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("step %d %s:\n%s", c.step, c.how, diff)
		}
	}
	if diff := cmp.Diff([]string{filepath.Join(learner, "overlays/canary")}, lab.ran); diff != "" {
		t.Errorf("the lab runs:\n%s", diff)
	}
	if len(lab.saved) == 0 || lab.saved[0] != learner {
		t.Errorf("what is saved below %s is not applied: %v", learner, lab.saved)
	}
	if done := CopyAt(dir).Done(); !done["a"] || !g.List()[0].Done {
		t.Errorf("done: %v, in the list %v", done, g.List())
	}
	if err := errors.Join(g.Leave(1), g.Reset()); err != nil {
		t.Fatal(err)
	}
	if d, err := g.Document(1); err != nil || d.Next != 1 || !d.Done {
		t.Errorf("after it is left, the next step is %d and done is %t, %v; want 1 and true", d.Next, d.Done, err)
	}
	if text, err := os.ReadFile(filepath.Join(learner, "overlays/prod/kustomization.yaml")); err != nil || strings.Contains(string(text), "resource:") {
		t.Errorf("reset leaves the change: %v", err)
	}
}

func TestGuideRejectsWhatItCannotDo(t *testing.T) {
	t.Parallel()
	g, _ := guideOf(t, &fakeLab{}, guided)
	for _, c := range []struct {
		lesson, step int
		want         error
	}{{1, 2, ErrOrder}, {1, 0, ErrNone}, {1, 5, ErrNone}, {2, 1, ErrNone}} {
		if _, err := g.Step(t.Context(), c.lesson, c.step, Do); !errors.Is(err, c.want) {
			t.Errorf("lesson %d, step %d: got %v, want %v", c.lesson, c.step, err, c.want)
		}
	}
	g.lessons[0].Needs = Cluster
	if _, err := g.Step(t.Context(), 1, 1, Do); !errors.Is(err, ErrHere) {
		t.Errorf("a lesson for a cluster: got %v, want %v", err, ErrHere)
	}
	d, err := g.Document(1)
	if err != nil || d.Steps != 0 || d.Why != "It needs a cluster." {
		t.Errorf("a lesson for a cluster has %d steps, %q, %v", d.Steps, d.Why, err)
	}
}

// TestGuideBoundsACommand runs a command that hangs, one whose reader leaves, and one that prints without end.
func TestGuideBoundsACommand(t *testing.T) {
	t.Parallel()
	const body = "## S\n\n'''console\n$ sleep 60\n$ touch begun; sleep 60\n$ seq 1 9999\n0\n'''\n"
	g, dir := guideOf(t, &fakeLab{}, body)
	if o := g.step(t, 1, Do); o.Passed || o.Reason != "the command has not ended after 1s" {
		t.Errorf("a command that hangs: %+v", o)
	}
	g.step(t, 1, Skip)
	g.played.player.shell.limits.command = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if o, err := g.Step(ctx, 1, 2, Do); err != nil || o.Passed {
			t.Errorf("a command whose reader has left: %+v, %v", o, err)
		}
	}()
	begun := filepath.Join(dir, CopyName, "begun")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(begun); err == nil {
			break
		}
		<-tick.C
	}
	if _, err := g.Step(t.Context(), 1, 2, Do); !errors.Is(err, ErrBusy) {
		t.Errorf("a second step at the same time: got %v, want %v", err, ErrBusy)
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("a command whose reader has left runs on")
	}
	g.step(t, 2, Skip)
	if o := g.step(t, 3, Do); len(o.Difference) != maxLines || o.Cut != 9999+1-maxLines {
		t.Errorf("of a long output %d lines are shown and %d left out, want %d and %d", len(o.Difference), o.Cut, maxLines, 9999+1-maxLines)
	}
}

func TestGuideExercise(t *testing.T) {
	t.Parallel()
	const body = "## S\n\n'''console\n$ true\n'''\n\n## Break it\n\n'''diff fault\n--- overlays/prod/kustomization.yaml\n-resources:\n+resource:\n'''\n\n" +
		"'''console check\n$ grep -q '^resources:' overlays/prod/kustomization.yaml\n'''\n\n" +
		"<details><summary>Solution</summary>\n\n'''diff solution\n--- overlays/prod/kustomization.yaml\n-resource:\n+resources:\n'''\n\n</details>\n"
	lab := &fakeLab{}
	g, dir := guideOf(t, lab, body)
	d, err := g.Document(1)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, b := range d.Sections[1].Blocks {
		kinds = append(kinds, b.Kind)
		if b.Kind == "fault" && len(b.Lines) > 0 {
			t.Errorf("the fault is shown: %v", b.Lines)
		}
	}
	if want := []string{"fault", "check", "solution"}; !slices.Equal(kinds, want) {
		t.Fatalf("the exercise has %v, want %v", kinds, want)
	}
	g.step(t, 1, Do)
	g.step(t, 2, Do)
	if o := g.step(t, 3, Do); o.Passed || !strings.Contains(o.Reason, "exit code 1") || CopyAt(dir).Done()["a"] {
		t.Errorf("the check of an exercise that is not solved: %+v", o)
	}
	if o := g.step(t, 4, Do); !o.Passed || o.Next != 3 {
		t.Errorf("the solution: %+v", o)
	}
	if o := g.step(t, 3, Do); !o.Passed || o.Next != 0 || !CopyAt(dir).Done()["a"] {
		t.Errorf("the check of an exercise that is solved: %+v", o)
	}
	if len(lab.saved) != 2 {
		t.Errorf("%d changes were applied, want those of the fault and the solution", len(lab.saved))
	}
}

// TestHTML renders prose: what could be markup of the page is left out or escaped, and links lead to the pages.
func TestHTML(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ prose, want string }{
		{"Some `x < y` and **words**.", "<p>Some <code>x &lt; y</code> and <strong>words</strong>.</p>"},
		{"<script>alert(1)</script>", "<!-- raw HTML omitted -->"},
		{"a <img src=x onerror=alert(1)> b", "<p>a <!-- raw HTML omitted --> b</p>"},
		{"[x](javascript:alert)", `<p><a href="https://github.com/hopline/hopline/blob/main/docs/lessons/javascript:alert" target="_blank" rel="noopener noreferrer">x</a></p>`},
		{"![A graph](../images/graph.png)", `<p><a href="https://github.com/hopline/hopline/blob/main/docs/lessons/../images/graph.png" target="_blank" rel="noopener noreferrer">Picture: A graph</a></p>`},
		{"[Load](../load.md#what)", `<p><a href="https://github.com/hopline/hopline/blob/main/docs/lessons/../load.md#what" target="_blank" rel="noopener noreferrer">Load</a></p>`},
	} {
		if got := html(strings.Split(c.prose, "\n")); got != c.want {
			t.Errorf("%s: got %s, want %s", c.prose, got, c.want)
		}
	}
}

// TestTheLabOfAPageStandsInForEveryLab checks that a Guide can give each lab that a lesson starts to the lab that runs already.
func TestTheLabOfAPageStandsInForEveryLab(t *testing.T) {
	t.Parallel()
	all, err := Read(lessons.Files)
	if err != nil {
		t.Fatal(err)
	}
	started := 0
	for _, l := range all {
		for _, a := range l.actions(Lab) {
			for _, run := range a.Runs {
				_, ok := upArgument(run)
				if ok {
					started++
				}
				if strings.HasPrefix(run.Command, "hopline up") && !ok && !run.Fails {
					t.Errorf("%02d-%s.md:%d: want `hopline up OVERLAY &`, got %q", l.Number, l.Name, run.Line, run.Command)
				}
			}
		}
	}
	if started < 20 {
		t.Errorf("found %d labs in %d lessons, want at least 20", started, len(all))
	}
}

func TestCopyAt(t *testing.T) {
	t.Parallel()
	below := t.TempDir()
	c, err := OpenCopy(below)
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{below: c.Dir, c.Dir: c.Dir, filepath.Join(c.Dir, "overlays"): filepath.Join(c.Dir, "overlays", CopyName)} {
		if got := CopyAt(dir).Dir; got != want {
			t.Errorf("in %s: got %s, want %s", dir, got, want)
		}
	}
}
