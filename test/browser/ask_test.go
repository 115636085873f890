package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestAsk explains, sends and compares on the view Ask, with only the keyboard where a person would use it.
func TestAsk(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	l.call(6, "hops")
	l.call(2, "hops", "x-dev-user", "betaUser")
	p := consoleOf(t, l)
	t.Run("rule", func(t *testing.T) { askRule(p.in(t)) })
	t.Run("send", func(t *testing.T) { askSend(p.in(t), l) })
	t.Run("what if", func(t *testing.T) { askWhatIf(p.in(t), l) })
	t.Run("wrong", func(t *testing.T) { askWrong(p.in(t), l) })
	t.Run("trace", func(t *testing.T) { askTrace(p.in(t), l) })
}

// in returns the tab for a subtest.
func (p *tab) in(t *testing.T) *tab {
	return &tab{t: t, ctx: p.ctx}
}

// askRule follows the link of a rule to its explanation, which the address then has.
func askRule(p *tab) {
	p.until(`[...document.querySelectorAll("a.ask-link")].some((link) => link.href.includes("rule=beta") && link.href.includes("middle"))`)
	p.click(`a.ask-link[href*="middle"][href*="rule=beta"]`)
	p.until(`document.querySelector("#answer .yes") !== null`)
	p.contains("#answer", "VirtualService hopline/middle beta", "matches header x-dev-user exactly \"betaUser\"", "100 %", "middle.hopline.svc.cluster.local:80 subset dev", "ready")
	if at := eval[string](p, "location.pathname + location.search"); !strings.HasPrefix(at, "/ask?from=hopline%2Ffront-") || !strings.Contains(at, "betaUser") {
		p.t.Errorf("the address is %s", at)
	}
	// Only the address is enough to show the same.
	before := p.text("#answer")
	p.do(chromedp.Reload())
	p.until(`document.querySelector("#answer .yes") !== null`)
	p.wants("#answer", before)
}

// askSend fills in the form by keyboard, and sends it.
func askSend(p *tab, l *lab) {
	p.visit(l.console + "ask?from=front-blue&method=GET&url=http://middle/hops")
	p.until(`document.querySelectorAll("#answer .destinations > li").length === 2`)
	p.contains("#answer", "no", "80 %", "20 %", "subset prod", "subset canary")
	p.do(chromedp.Focus(chromedp.CSS(`#ask-form [name=headers]`)))
	p.press("x-dev-user: betaUser")
	p.press(kb.Tab, kb.Tab, kb.Tab) // past the details with the body, to Explain, to Send it
	p.press(kb.Enter)
	p.until(`document.querySelector("#came .body") !== null`)
	p.contains("#came-facts", "200 OK", "from middle-dev/", "sent by front-blue-", "its trace")
	p.contains("#came", "took (")
	p.contains("#answer", "subset dev")
	p.measure("ask, sent")
	p.click("#came-facts a")
	p.until(`document.querySelectorAll("#waterfall .span").length > 5`)
	p.contains("#waterfall", "hopline", "front", "middle", "core")
}

// askWhatIf edits a running rule, and reads which calls would be treated differently.
func askWhatIf(p *tab, l *lab) {
	p.visit(l.console + "ask")
	p.until(`[...document.querySelectorAll("#whatif-form select option")].some((option) => option.textContent === "VirtualService hopline/middle")`)
	choose := `(() => { const select = document.querySelector("#whatif-form select"); select.value = "VirtualService hopline/middle"; select.dispatchEvent(new Event("change", { bubbles: true })); return true })()`
	eval[bool](p, choose)
	p.until(`document.querySelector("#whatif-form textarea").value.includes("weight: 80")`)
	p.do(chromedp.Focus(chromedp.CSS("#whatif-form textarea")))
	p.press(kb.Tab, kb.Enter) // to the button
	p.until(`document.querySelector("#whatif-verdict").textContent.startsWith("None of the last")`)
	p.contains("#whatif-answer", "These objects run already.", "None would be treated differently.")
	eval[bool](p, `(() => { const area = document.querySelector("#whatif-form textarea"); area.value = area.value.replace("weight: 80", "weight: 50").replace("weight: 20", "weight: 50"); return true })()`)
	p.click("#whatif-form button")
	p.until(`document.querySelector("#whatif-verdict").textContent.startsWith("6 of the last")`)
	p.contains("#whatif-answer", "VirtualService hopline/middle replaced", "6 calls of", "80 % 50 %", "20 % 50 %", "such as GET http://middle/hops", "its trace")
	p.measure("what if")
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 1920, 360} {
			p.scheme(scheme)
			p.size(width, 900)
			p.measure(fmt.Sprint("what if ", scheme, " ", width))
			p.shoot(fmt.Sprint("ask-whatif-", scheme, "-", width))
		}
	}
	p.scheme("light")
	p.size(1280, 800)
	eval[bool](p, `(() => { const area = document.querySelector("#whatif-form textarea"); area.value = area.value.replace("subset: canary", "subset: <b>canari"); return true })()`)
	p.click("#whatif-form button")
	p.until(`!document.querySelector("#whatif-trouble").hidden`)
	p.contains("#whatif-trouble", "VirtualService hopline/middle", "<b>canari")
	p.wants("#whatif-verdict", "These rules cannot run.")
	p.measure("what if with a problem")
	p.until(`document.querySelector("#problems").hidden`) // the lab itself has no problem
}

// askWrong enters an invalid request, and sends one that the mesh rejects.
func askWrong(p *tab, l *lab) {
	p.visit(l.console + "ask") // without a question the form has the address of the page
	p.until(fmt.Sprintf(`document.querySelector("#ask-form input[name=url]").value === %q`, l.page))
	p.visit(l.console + "ask?from=nobody&url=http://middle/")
	p.until(`!document.querySelector("#ask-trouble").hidden`)
	p.contains("#ask-trouble", "no such workload")
	p.visit(l.console + "ask?from=clock&url=http://core/hops")
	p.until(`document.querySelector("#answer .outcome") !== null`)
	p.contains("#answer", "403", "core-prod responds with 403: no AuthorizationPolicy allows it")
	p.click("#ask-send")
	p.until(`document.querySelector("#came-facts .status.bad") !== null`)
	p.contains("#came-facts", "403 Forbidden")
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 360} {
			p.scheme(scheme)
			p.size(width, 900)
			p.measure(fmt.Sprint("refused ", scheme, " ", width))
			p.shoot(fmt.Sprint("ask-refused-", scheme, "-", width))
		}
	}
	p.scheme("light")
	p.size(1280, 800)
}

// askTrace follows the link from a trace to the explanation of its request.
func askTrace(p *tab, l *lab) {
	p.visit(l.console + "trace/" + l.call(1, "hops"))
	p.until(`document.querySelector("#trace-facts a.ask-link") !== null`)
	p.click("#trace-facts a.ask-link")
	p.until(`document.querySelector("#answer .yes") !== null`)
	p.contains("#answer", "VirtualService hopline/front page")
	p.shoot("ask-explained")
}
