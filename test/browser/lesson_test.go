package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// startLessons runs an overlay that hopline contains, in a directory in which a learner may work.
func startLessons(t *testing.T) (l *lab, directory string) {
	t.Helper()
	directory = t.TempDir()
	return runLab(t, directory, "prod"), directory
}

// lesson opens a lesson.
func (p *tab) lesson(l *lab, number int) {
	p.t.Helper()
	p.visit(fmt.Sprintf("%s?lesson=%d", l.console, number))
	p.until(fmt.Sprintf(`document.querySelector("#lesson-title").textContent.startsWith("Lesson %d. ")`, number))
	p.until(`document.querySelector("#live").textContent === "Live"`)
}

// stepEnds waits until a step has ended, and returns its verdict.
func (p *tab) stepEnds(step int) string {
	p.t.Helper()
	came := fmt.Sprintf(`.step[data-step="%d"] .came`, step)
	p.until(fmt.Sprintf(`document.querySelector('%s .status') !== null && !document.querySelector(".running")`, came))
	return p.text(came + " .status")
}

// runStep presses the first button of a step, and returns the verdict.
func (p *tab) runStep(step int) string {
	p.t.Helper()
	eval[any](p, fmt.Sprintf(`document.querySelector('.step[data-step="%d"] .came').replaceChildren()`, step)) // what came before
	p.click(fmt.Sprintf(`.step[data-step="%d"] .step-run`, step))
	return p.stepEnds(step)
}

// TestWalkThroughALesson walks through the first lesson with the keyboard only, in a lab that runs another overlay: the lesson switches to its
// own, and Undo brings back what ran before. The list, here and in the terminal, shows that the lesson is done.
func TestWalkThroughALesson(t *testing.T) {
	t.Parallel()
	l, directory := startLessons(t)
	p := consoleOf(t, l)
	p.visit(l.console)
	p.until(`document.querySelectorAll("#graph .part").length > 0`)
	p.do(chromedp.Focus(chromedp.CSS("#lessons-open")))
	p.press(kb.Enter)
	p.until(`document.querySelectorAll(".lesson-list li").length > 30`)
	p.contains(".lesson-list", "First steps", "Pod, ReplicaSet, Deployment", "needs a cluster with Istio")
	p.do(chromedp.Focus(chromedp.CSS(`.lesson-list a[href="/?lesson=1"]`)))
	p.press(kb.Enter)
	p.until(`document.querySelector("#lesson-title").textContent === "Lesson 1. First steps" && document.title.startsWith("Lesson 1. ")`)
	if hidden := eval[bool](p, `document.querySelector('.step[data-step="2"] .step-acts').hidden`); !hidden {
		t.Error("the second step can be done before the first")
	}
	p.do(chromedp.Focus(chromedp.CSS(`.step[data-step="1"] .step-run`)))
	p.press(kb.Enter)
	if verdict := p.stepEnds(1); verdict != "as expected" {
		t.Fatalf("the lab: %s: %s", verdict, p.text("#lesson"))
	}
	p.wants("#lesson-said", "Step 1: as expected")
	p.barSays("overlay", filepath.Join("hopline-lessons", "overlays", "canary"))
	p.press(kb.Enter) // the focus is on the next step
	if verdict := p.stepEnds(2); verdict != "as expected" {
		t.Fatalf("the call: %s: %s", verdict, p.text("#lesson"))
	}
	p.contains(`.step[data-step="2"] .output`, "--getRespondFrom--> http://middle/hops")
	p.contains("#lesson", "Lesson 1 is done.")
	p.shoot("lesson-done")

	p.click("#lesson-all")
	p.until(`document.querySelectorAll(".lesson-list li").length > 30`)
	p.contains(".lesson-list li", "First steps", "done")
	text, err := os.ReadFile(filepath.Join(directory, "hopline-lessons", ".done.json"))
	if err != nil || !strings.Contains(string(text), `"first-steps":true`) {
		t.Errorf("the file of the terminal says %s, %v", text, err)
	}
	p.act("Undo: overlay " + filepath.Join("hopline-lessons", "overlays", "canary"))
	p.barSays()
	p.click("#lesson-close")
	p.until(`document.querySelector("#lesson").hidden && location.search === ""`)
}

// TestALessonThatDiffers does a step whose output is not as the lesson expects, because the test has edited the copy, and then as expected.
func TestALessonThatDiffers(t *testing.T) {
	t.Parallel()
	l, directory := startLessons(t)
	p := consoleOf(t, l)
	p.size(1440, 900)
	number := lessonNumber(t, "by-header")
	p.lesson(l, number)
	if verdict := p.runStep(1); verdict != "as expected" {
		t.Fatalf("the lab: %s: %s", verdict, p.text("#lesson"))
	}
	core := filepath.Join(directory, "hopline-lessons", "overlays", "canary", "core.yaml")
	const header = "        - headers: {x-dev-user: {exact: stressTest}}\n"
	edit(t, core, header, "")
	p.until(`fetch("/api/state").then((r) => r.json()).then((s) => !s.rules.some((r) => r.object === "VirtualService hopline/core" && r.matches.join().includes("stressTest")))`)
	step, verdict := 2, ""
	for ; step < 8; step++ {
		if verdict = p.runStep(step); verdict != "as expected" {
			break
		}
	}
	if verdict != "not as expected" {
		t.Fatalf("with a rule without its header every step is as expected, up to %d", step)
	}
	came := fmt.Sprintf(`.step[data-step="%d"] .came`, step)
	if n := eval[int](p, fmt.Sprintf(`document.querySelectorAll('%[1]s .missing, %[1]s .came-instead').length`, came)); n < 1 {
		t.Errorf("no line is marked: %s", p.text(came))
	}
	p.contains("#lesson-said", fmt.Sprintf("Step %d: not as expected", step))
	p.measure("a lesson that differs")
	p.axe("a lesson that differs")
	p.shoot("lesson-differs")
}

// TestALessonsExercise breaks something: the check fails until the exercise is solved. A command that is stopped ends.
func TestALessonsExercise(t *testing.T) {
	t.Parallel()
	l, _ := startLessons(t)
	p := consoleOf(t, l)
	p.lesson(l, lessonNumber(t, "subsets"))
	steps := eval[map[string]int](p, `Object.fromEntries([...document.querySelectorAll(".step[data-step]")].map((s) => [s.dataset.kind, Number(s.dataset.step)]))`)
	for step := 1; step < steps["fault"]; step++ {
		p.runStep(step)
		if next := p.text(fmt.Sprintf(`.step[data-step="%d"] .came .status`, step)); next != "as expected" {
			p.click(fmt.Sprintf(`.step[data-step="%d"] .step-skip`, step))
			p.until(fmt.Sprintf(`document.querySelector('.step[data-step="%d"]').classList.contains("past")`, step))
		}
	}
	if verdict := p.runStep(steps["fault"]); verdict != "broken" {
		t.Fatalf("the fault: %s", verdict)
	}
	if verdict := p.runStep(steps["check"]); verdict != "not as expected" {
		t.Errorf("the check of an exercise that is not solved: %s", verdict)
	}
	if done := eval[bool](p, `document.querySelector("#lesson").classList.contains("finished")`); done {
		t.Error("the lesson is done although its exercise is not solved")
	}
	p.shoot("lesson-exercise")
	eval[any](p, `document.querySelector('.step[data-kind="solution"]').closest("details").open = true`)
	if verdict := p.runStep(steps["solution"]); verdict != "applied" {
		t.Fatalf("the solution: %s", verdict)
	}
	if verdict := p.runStep(steps["check"]); verdict != "solved" {
		t.Errorf("the check of an exercise that is solved: %s: %s", verdict, p.text(fmt.Sprintf(`.step[data-step="%d"]`, steps["check"])))
	}
	p.until(`document.querySelector("#lesson").classList.contains("finished")`)
}

// lessonNumber returns the number of a lesson, which may change.
func lessonNumber(t *testing.T, name string) (number int) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("..", "..", "docs", "lessons", "[0-9][0-9]-"+name+".md"))
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v, want one lesson %s", found, err, name)
	}
	if _, err := fmt.Sscanf(filepath.Base(found[0]), "%02d-", &number); err != nil {
		t.Fatal(err)
	}
	return number
}
