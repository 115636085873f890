package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// maxChiSquare is the χ² of one degree of freedom that chance exceeds once in 100,000 runs.
const maxChiSquare = 19.5

// openControls opens the drawer with the controls of a thing by the keyboard.
func (p *tab) openControls(name string) {
	p.t.Helper()
	button := fmt.Sprintf(`[aria-label=%q]`, name)
	p.until(fmt.Sprintf(`document.querySelector(%q) !== null`, button))
	p.do(chromedp.Focus(chromedp.CSS(button)))
	p.press(kb.Enter)
	p.until(`!document.querySelector("#drawer").hidden && document.querySelector("#drawer .drive-form") !== null`)
}

// enter types into a field of the drawer, instead of what is there.
func (p *tab) enter(field, text string) {
	p.t.Helper()
	selector := fmt.Sprintf("#drawer input[name=%s]", field)
	p.do(chromedp.Focus(chromedp.CSS(selector)))
	eval[any](p, fmt.Sprintf(`document.querySelector(%q).select()`, selector))
	p.press(kb.Delete)
	p.do(chromedp.KeyEvent(text))
}

// changesList is a JavaScript expression: what a user reads in the list of changes, with blanks joined. The parts of a change are on lines of their own.
const changesList = `document.querySelector("#changes-list").innerText.replace(/\s+/g, " ")`

// barSays waits until the list of changes has all of the words, or is hidden if there are none.
func (p *tab) barSays(words ...string) {
	p.t.Helper()
	if len(words) == 0 {
		p.until(`document.querySelector("#changes").hidden`)
		return
	}
	text, err := json.Marshal(words)
	if err != nil {
		p.t.Fatal(err)
	}
	p.until(fmt.Sprintf(`%s.every((words) => %s.includes(words))`, text, changesList))
}

// act presses a button of the list of changes, or of the drawer, by its full name.
func (p *tab) act(name string) {
	p.t.Helper()
	p.click(fmt.Sprintf(`button[aria-label=%q]`, name))
}

// TestDriveARule moves the slider of a rule, and sets its fault, timeout, retries and mirror; undoes, copies and keeps changes.
func TestDriveARule(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	p.openControls("Change rule everybody of VirtualService hopline/middle")
	p.until(`document.querySelectorAll("#drawer input[type=range]").length === 2`)

	p.do(chromedp.Focus(chromedp.CSS("#drawer input[type=range]")))
	for range 30 {
		p.press(kb.ArrowLeft)
	}
	if sum := eval[int](p, `[...document.querySelectorAll("#drawer input[type=range]")].reduce((sum, slider) => sum + Number(slider.value), 0)`); sum != 100 {
		t.Errorf("the sliders add up to %d, want 100", sum)
	}
	p.barSays("middle everybody", "prod 50, canary 50")
	l.sharesFollow(p)
	p.calm()
	p.measure("drive-rule")
	p.shoot("drive-rule")

	p.enter("status", "99")
	p.enter("aborted", "100")
	p.press(kb.Enter)
	p.until(`document.querySelector("#drawer .drive-trouble:not([hidden])")?.innerText.includes("want an HTTP status from 200 to 599, got 99")`)
	p.enter("status", "418")
	p.press(kb.Enter)
	p.barSays("aborts 100 % with 418")
	if got := l.status("hops"); got != http.StatusTeapot {
		t.Errorf("with a fault of the rule the status is %d, want 418", got)
	}
	p.act("Undo: middle everybody aborts 100 % with 418")
	p.barSays("prod 50, canary 50")
	p.until(`!document.querySelector("#changes-list").innerText.includes("418") && document.querySelector("#drawer input[name=status]").value === ""`)
	if got := l.status("hops"); got != http.StatusOK {
		t.Errorf("after undo the status is %d, want 200", got)
	}

	p.enter("timeout", "2s")
	p.press(kb.Enter)
	p.enter("attempts", "3")
	p.enter("retryOn", "5xx")
	p.press(kb.Enter)
	p.enter("host", "middle")
	p.enter("subset", "dev")
	p.press(kb.Enter)
	p.barSays("timeout 2s", "3 retries on 5xx", "mirrors to middle dev")

	p.copies("middle everybody timeout 2s", "{op: add, path: /spec/http/1/timeout, value: 2s}")
	l.keeps(p, "middle everybody prod 50, canary 50", "weight: 80", "weight: 50", "weight: 20", "weight: 50")
	p.click("#changes-all")
	p.barSays()
}

// copies copies the patch of a change, which contains words.
func (p *tab) copies(change, words string) {
	p.t.Helper()
	clipboard.Lock()
	defer clipboard.Unlock()
	p.act("Copy the patch: " + change)
	p.until(`document.querySelector("#toast").innerText.includes("patch")`) // the clipboard is written, or cannot be
	p.until(fmt.Sprintf(`document.querySelector("#drawer .patch")?.innerText.includes(%q)`, words))
	p.press(kb.Escape)
	p.until(`document.querySelector("#drawer").hidden`)
}

// keeps writes a change to the files. In the file of middle's rules each text of a pair becomes the other, and nothing else changes.
func (l *lab) keeps(p *tab, change string, pairs ...string) {
	l.t.Helper()
	file := filepath.Join(l.dir, "middle.yaml")
	before, err := os.ReadFile(file)
	if err != nil {
		l.t.Fatal(err)
	}
	p.barSays(change)
	p.act("Write to the files: " + change)
	p.until(fmt.Sprintf(`!%s.includes(%q)`, changesList, change))
	after, err := os.ReadFile(file)
	if err != nil {
		l.t.Fatal(err)
	}
	if want := strings.NewReplacer(pairs...).Replace(string(before)); string(after) != want || want == string(before) {
		l.t.Errorf("the file is\n%s\nwant\n%s", after, want)
	}
}

// sharesFollow calls the page and checks that the versions of middle respond equally often, by a χ² test.
func (l *lab) sharesFollow(p *tab) {
	l.t.Helper()
	seen := func(version string) int {
		return eval[int](p, fmt.Sprintf(`fetch("/api/state").then((r) => r.json()).then((s) => s.rules.find((r) => r.object === "VirtualService hopline/middle" && r.name === "everybody").parts.find((part) => part.version === %q)?.requests ?? 0)`, version), chromedp.EvalAwaitPromise)
	}
	prod, canary := seen("prod"), seen("canary")
	l.call(400, "hops")
	prod, canary = seen("prod")-prod, seen("canary")-canary
	half := float64(prod+canary) / 2
	deviation := float64(prod) - half
	if square := 2 * deviation * deviation / half; prod+canary != 400 || square > maxChiSquare {
		l.t.Errorf("prod responded %d and canary %d times, want halves of 400", prod, canary)
	}
}

// status returns the status of a request for a path of the page.
func (l *lab) status(path string) int {
	l.t.Helper()
	resp, err := http.Get(l.page + path)
	if err != nil {
		l.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestDriveAWorkload scales, stops, starts, breaks, heals, drains and kills from the drawer of a workload.
func TestDriveAWorkload(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	p.openControls("Change workload core-prod")
	replicas := func(n int) {
		p.until(fmt.Sprintf(`document.querySelectorAll("#drawer .pod-acts .good").length === %d`, n))
	}
	replicas(1)

	p.enter("replicas", "2")
	p.press(kb.Enter)
	p.barSays("core-prod", "2 replicas")
	replicas(2)
	p.calm()
	p.measure("drive-workload")
	p.shoot("drive-workload")
	p.act("Undo: core-prod 2 replicas")
	p.barSays()

	p.act("Stop hopline/core-prod")
	p.barSays("core-prod", "stopped")
	p.act("Start hopline/core-prod")
	p.barSays()
	replicas(1)

	p.enter("error_rate", "101")
	p.press(kb.Enter)
	p.until(`document.querySelector("#drawer .drive-trouble:not([hidden])")?.innerText.includes("error_rate: want a number from 0 to 100, got 101")`)
	p.enter("error_rate", "100")
	p.press(kb.Enter)
	p.barSays("errors 100 %")
	if got := l.status("hops"); got != http.StatusInternalServerError {
		t.Errorf("with errors of core the status is %d, want 500", got)
	}
	p.act("Heal: no faults and no ejections at hopline/core-prod")
	p.barSays()
	if got := l.status("hops"); got != http.StatusOK {
		t.Errorf("after heal the status is %d, want 200", got)
	}

	pod := eval[string](p, `[...document.querySelectorAll("#drawer .pod-acts li")].find((row) => row.querySelector(".good")).querySelector("code").textContent`)
	p.do(chromedp.Focus(chromedp.CSS(fmt.Sprintf("button[aria-label=%q]", "Kill "+pod))))
	p.press(kb.Enter)
	p.until(`[...document.querySelectorAll("#workloads tr")].some((row) => row.innerText.includes("core-prod") && row.querySelector("[data-label=restarts]").innerText.endsWith("1"))`)
	replicas(1)
	if focus := eval[string](p, `document.activeElement.ariaLabel ?? ""`); focus != "Kill "+pod {
		t.Errorf("when the pod has restarted the focus is at %q, want the button that killed it", focus)
	}
	p.act("Drain " + pod)
	p.until(fmt.Sprintf(`[...document.querySelectorAll("#drawer .pod-acts li")].some((row) => row.innerText.includes("ready") && !row.innerText.includes(%q))`, pod))
}

// TestDriveTheOverlay switches the overlay from the head of the page, heals the sick replica there, and switches back.
func TestDriveTheOverlay(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	p.until(`document.querySelector("#overlays").selectedOptions[0]?.value === "canary"`)
	p.do(chromedp.Focus(chromedp.CSS("#overlays")))
	p.press(kb.ArrowDown) // moves to the next overlay, and does not switch to it
	p.until(`document.querySelector("#toast").innerText.includes("Enter switches to circuit")`)
	p.press(kb.Tab) // without Enter, the list shows the active one again
	p.until(`document.querySelector("#overlays").value === "canary"`)
	p.do(chromedp.Focus(chromedp.CSS("#overlays")))
	p.press("o", "u", "t")
	p.until(`document.querySelector("#toast").innerText.includes("Enter switches to outlier")`)
	p.barSays()
	p.press(kb.Enter)
	p.barSays("overlay", "outlier")
	if focus := eval[string](p, `document.activeElement.id`); focus != "overlays" {
		t.Errorf("after the switch the focus is at %q, want the list of overlays", focus)
	}
	p.until(`document.querySelector("#edition").textContent.endsWith("outlier")`)
	for range 12 {
		l.call(10, "hops")
	}
	p.until(`document.querySelector("#workloads").innerText.includes("ejected")`)
	p.openControls("Change workload core-sick")
	p.act("Heal: no faults and no ejections at hopline/core-sick")
	p.barSays("core-sick", "healed")
	p.until(`!document.querySelector("#workloads").innerText.includes("ejected")`)
	for range 20 {
		if got := l.status("hops"); got != http.StatusOK {
			t.Fatalf("after heal the status is %d, want 200", got)
		}
	}
	p.click("#changes-all")
	p.barSays()
	p.until(`document.querySelector("#edition").textContent.endsWith("canary") && document.querySelector("#overlays").value === "canary"`)
}

// calm waits until no toast covers the page.
func (p *tab) calm() {
	p.t.Helper()
	p.until(`!document.querySelector("#toast").classList.contains("on")`)
}

// onlyDrawer hides everything behind the drawer, or shows it again.
func (p *tab) onlyDrawer(only bool) {
	p.t.Helper()
	eval[any](p, fmt.Sprintf(`document.querySelectorAll("body > header, body > main").forEach((part) => { part.hidden = %t; })`, only))
}

// TestDriveLook shows the list of changes and the drawers light and dark, wide and narrow.
func TestDriveLook(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	l.call(60, "hops")
	p.openControls("Change workload core-prod")
	p.enter("error_rate", "30")
	p.press(kb.Enter)
	p.barSays("errors 30 %")
	p.press(kb.Escape)
	p.openControls("Change rule everybody of VirtualService hopline/middle")
	p.do(chromedp.Focus(chromedp.CSS("#drawer input[type=range]")))
	p.press(kb.ArrowLeft, kb.ArrowLeft)
	p.enter("timeout", "2s")
	p.press(kb.Enter)
	p.barSays("prod 78", "timeout 2s")
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 1920, 360} {
			p.scheme(scheme)
			p.size(width, 900)
			p.until(fmt.Sprintf(`innerWidth === %d`, width))
			p.calm()
			p.shoot(fmt.Sprint("drive-", scheme, "-", width))
			p.onlyDrawer(width < 600) // which covers the page there
			p.measure("drive")
			p.onlyDrawer(false)
		}
	}
	p.press(kb.Escape)
	p.until(`document.querySelector("#drawer").hidden`)
	p.measure("drive-bar")
	p.shoot("drive-bar-360")
	p.size(1440, 900)
	p.shoot("drive-bar-1440")
}
