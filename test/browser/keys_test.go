package browser

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	permission "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// mostStops is the largest number of controls that Tab passes on its way to another one.
const mostStops = 250

// tabTo presses Tab, or Shift and Tab, until an element has the focus, and checks that the focus is visible.
func (p *tab) tabTo(selector string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.querySelector(%q)?.checkVisibility()`, selector))
	for range mostStops {
		p.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(modifiers...)))
		if eval[bool](p, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			p.focused(selector)
			return
		}
	}
	p.t.Fatalf("%d times Tab does not lead to %s; the focus is on %s", mostStops, selector, eval[string](p, `document.activeElement.outerHTML`))
}

// backTo is tabTo in the other direction.
func (p *tab) backTo(selector string) {
	p.t.Helper()
	p.tabTo(selector, chromedp.ModifierShift)
}

// focused waits until an element has the focus, and checks that a user sees that: it has an outline, and is in the window.
func (p *tab) focused(selector string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.activeElement.matches(%q)`, selector))
	p.focusShows()
	if !eval[bool](p, `(({ top, bottom, left, right }) => bottom > 0 && top < innerHeight && right > 0 && left < innerWidth)(document.activeElement.getBoundingClientRect())`) {
		p.t.Errorf("%s has the focus and is outside of the window", selector)
	}
}

// write types into the field with the focus, instead of what is there.
func (p *tab) write(text string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	p.press(kb.Delete, text)
}

// button is the selector of a button by its full name.
func button(name string) string { return fmt.Sprintf(`button[aria-label=%q]`, name) }

// TestKeysDriveARule moves a weight, sets a fault, copies, keeps and undoes, with only Tab, arrows, Enter and Space. After each of them the focus is visible.
func TestKeysDriveARule(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	const fault = `fetch("/api/rule?object=hopline/middle&rule=everybody").then((r) => r.json()).then((rule) => JSON.stringify(rule.http.fault))`
	const change = "Change rule everybody of VirtualService hopline/middle"
	p.tabTo(button(change))
	p.press(kb.Enter)
	p.until(`document.activeElement.id === "drawer-title" && document.querySelectorAll("#drawer input[type=range]").length === 2`)
	p.tabTo("#drawer input[type=range]")
	p.press(kb.ArrowLeft, kb.ArrowLeft)
	p.barSays("middle everybody", "prod 78, canary 22")
	p.focused("#drawer input[type=range]")
	p.tabTo("#drawer input[name=status]")
	p.press("418")
	p.tabTo("#drawer input[name=aborted]")
	p.press("100", kb.Enter)
	p.barSays("aborts 100 % with 418")
	p.focused("#drawer input[name=aborted]")
	if got := l.status("hops"); got != http.StatusTeapot {
		t.Errorf("with a fault of the rule the status is %d, want 418", got)
	}
	p.press(kb.Escape)
	p.focused(button(change))

	running := eval[string](p, fault, chromedp.EvalAwaitPromise)
	patch := p.keysCopy("middle everybody aborts 100 % with 418")
	p.tabTo(button("Undo: middle everybody aborts 100 % with 418"))
	p.press(" ")
	p.until(fmt.Sprintf(`!%s.includes("418")`, changesList))
	p.focused(button("Undo: middle everybody prod 78, canary 22")) // of the change that is left
	if got := l.status("hops"); got != http.StatusOK {
		t.Errorf("after undo the status is %d, want 200", got)
	}
	p.tabTo(button("Write to the files: middle everybody prod 78, canary 22"))
	p.press(kb.Enter)
	p.barSays()
	p.focused("#mesh :is(a, button)") // the list of changes has gone
	p.until(ruleSays("VirtualService hopline/middle", "configured: middle prod 78 %, middle canary 22 %"))

	// The overlay with the copied patch has the fault that ran.
	l.edit("kustomization.yaml", "components:\n", patch+"components:\n")
	p.until(ruleSays("VirtualService hopline/middle", "aborts 100 % with 418"))
	if got := eval[string](p, fault, chromedp.EvalAwaitPromise); got != running || !strings.Contains(got, "418") {
		t.Errorf("the overlay with the patch has the fault %s, want %s; the patch is\n%s", got, running, patch)
	}
}

// clipboard is held by a test that copies and reads: Chromium has one clipboard for all its tabs.
var clipboard sync.Mutex

// keysCopy copies the patch of a change and returns it.
func (p *tab) keysCopy(change string) string {
	p.t.Helper()
	clipboard.Lock()
	defer clipboard.Unlock()
	p.allow("clipboard-read")
	p.allow("clipboard-write")
	copies := button("Copy the patch: " + change)
	p.backTo(copies)
	p.press(kb.Enter)
	p.until(`document.querySelector("#toast").innerText === "patch copied" && document.activeElement.id === "drawer-title"`)
	patch := eval[string](p, `navigator.clipboard.readText()`, chromedp.EvalAwaitPromise)
	if shown := eval[string](p, `document.querySelector("#drawer .patch").textContent`); patch != shown || patch == "" {
		p.t.Errorf("the clipboard has\n%s\nwant what the drawer shows:\n%s", patch, shown)
	}
	p.press(kb.Escape)
	p.focused(copies)
	return patch
}

// allow gives the tab a permission.
func (p *tab) allow(name string) {
	p.t.Helper()
	_, err := chromedp.CallBrowser(p.ctx, permission.SetPermission, permission.SetPermissionParams{
		Permission: &permission.PermissionDescriptor{Name: name}, Setting: permission.PermissionSettingGranted, BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// TestKeysDriveAWorkload scales, breaks, heals, kills and drains a workload, switches the overlay and undoes all, with only the keyboard.
func TestKeysDriveAWorkload(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	p.tabTo(button("Change workload core-prod"))
	p.press(" ")
	p.until(`document.activeElement.id === "drawer-title"`)
	p.tabTo("#drawer input[name=replicas]")
	p.write("2")
	p.press(kb.Enter)
	p.barSays("core-prod", "2 replicas")
	p.focused("#drawer input[name=replicas]")
	p.tabTo("#drawer input[name=error_rate]")
	p.write("100")
	p.press(kb.Enter)
	p.barSays("errors 100 %")
	p.focused("#drawer input[name=error_rate]")
	heal := button("Heal: no faults and no ejections at hopline/core-prod")
	p.tabTo(heal)
	p.press(kb.Enter)
	p.until(fmt.Sprintf(`!%s.includes("errors 100 %%")`, changesList))
	p.focused(heal)

	const pods = `[...document.querySelectorAll("#drawer .pod-acts li")]`
	p.until(pods + `.filter((row) => row.querySelector(".good")).length === 2`)
	pod := eval[string](p, pods+`[0].querySelector("code").textContent`)
	p.tabTo(button("Kill " + pod))
	p.press(kb.Enter)
	p.until(`[...document.querySelectorAll("#workloads tr")].some((row) => row.innerText.includes("core-prod") && row.querySelector("[data-label=restarts]").innerText.endsWith("1"))`)
	p.focused(button("Kill " + pod))
	p.backTo(button("Drain " + pod))
	p.press(kb.Enter)
	p.until(fmt.Sprintf(`%s.every((row) => !row.innerText.includes(%q)) && %[1]s.filter((row) => row.querySelector(".good")).length === 2`, pods, pod))
	p.focused(`#drawer .pod-acts button`) // of the pod that takes its place
	p.press(kb.Escape)
	p.focused(button("Change workload core-prod"))

	p.backTo("#overlays")
	p.press("p", "r")
	p.until(`document.querySelector("#toast").innerText.includes("Enter switches to prod")`)
	p.press(kb.Enter)
	p.barSays("overlay", "prod")
	p.focused("#overlays")
	p.tabTo("#changes-all")
	p.press(kb.Enter)
	p.barSays()
	p.focused("#mesh :is(a, button)")
	p.until(`document.querySelector("#overlays").value === "canary"`)
}

// TestKeysSend sends a request from the view Ask, compares other rules, and starts and stops load, with only the keyboard.
func TestKeysSend(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	l.call(5, "hops")
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	p.tabTo(`#views a[href="/ask"]`)
	p.press(kb.Enter)
	p.tabTo("#ask-form [name=from]")
	p.until(`[...document.querySelector("#ask-form [name=from]").options].some((option) => option.value === "hopline/front-blue")`)
	p.press("hopline/front-b")
	p.tabTo("#ask-form [name=url]")
	p.write("http://middle/hops")
	p.tabTo("#ask-send")
	p.press(" ")
	p.until(`document.querySelector("#came .body") !== null`)
	p.contains("#came-facts", "200 OK", "sent by front-blue-")
	p.focused("#ask-send")

	const object = "VirtualService hopline/middle"
	p.tabTo("#whatif-form [name=object]")
	p.press(object)
	p.until(`document.querySelector("#whatif-form textarea").value.includes("weight: 80")`)
	p.tabTo("#whatif-form textarea")
	p.write(strings.NewReplacer("weight: 80", "weight: 50", "weight: 20", "weight: 50").Replace(eval[string](p, `document.querySelector("#whatif-form textarea").value`)))
	p.tabTo("#whatif-form button")
	p.press(kb.Enter)
	p.until(`/^[56] of the last/.test(document.querySelector("#whatif-verdict").textContent)`)
	p.focused("#whatif-form button")

	p.backTo(`#views a[href="/load"]`)
	p.press(kb.Enter)
	p.tabTo("#load-form [name=url]")
	p.write("/demo-app/hops")
	p.tabTo("#load-form [name=seconds]")
	p.write("60")
	p.tabTo("#load-start")
	p.press(" ")
	p.until(loadRuns)
	p.focused("#load-stop")
	p.press(kb.Enter)
	p.until(loadEnded)
	p.focused("#load-start")
}
