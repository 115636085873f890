package browser

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// consoleOf opens the console of a lab.
func consoleOf(t *testing.T, l *lab) *tab {
	t.Helper()
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	p.until(`document.querySelectorAll("#workloads tr").length > 0`)
	return p
}

// tracesOf opens the view Traces of a lab's console.
func tracesOf(t *testing.T, l *lab) *tab {
	t.Helper()
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console + "traces")
	return p
}

// ruleSays returns a JavaScript expression: whether a rule of the view Mesh contains some words.
func ruleSays(object, words string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".host")].some((host) => host.firstChild.title === %q
		&& [...host.querySelectorAll(".rule")].some((rule) => (rule.innerText + " " + [...rule.querySelectorAll(".bar")].map((bar) => bar.ariaLabel)).replace(/\s+/g, " ").includes(%q)))`, object, words)
}

// TestConsoleLive: the console follows the lab without a reload: traffic, a changed weight, an invalid edit, a killed process, and the
// lab's end.
func TestConsoleLive(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := consoleOf(t, l)
	p.until(`document.querySelector("#live").textContent === "Live"`)
	p.until(`document.querySelector("#workloads-facts").textContent === "14 of 14 ready"`)
	p.until(ruleSays("VirtualService hopline/middle", "configured: middle prod 80 %, middle canary 20 %"))

	l.call(30, "hops")
	l.call(5, "hops", "x-dev-user", "betaUser")
	p.until(ruleSays("VirtualService hopline/middle", "all other requests 30 requests"))
	p.until(ruleSays("VirtualService hopline/middle", "x-dev-user is betaUser → D middle dev 5 requests"))
	p.until(ruleSays("VirtualService hopline/front", "35 requests"))
	p.shoot("console-mesh")

	l.edit("middle.yaml", "weight: 80", "weight: 50")
	l.edit("middle.yaml", "weight: 20", "weight: 50")
	p.until(ruleSays("VirtualService hopline/middle", "configured: middle prod 50 %, middle canary 50 %"))
	p.until(ruleSays("VirtualService hopline/middle", "all other requests none yet")) // counts start again

	l.edit("middle.yaml", "hosts: [middle]", "hots: [middle]")
	p.until(`!document.querySelector("#problems").hidden`)
	p.contains("#problems", "The newest edit does not run", "VirtualService hopline/middle", "spec.hots", "unknown field")
	p.until(ruleSays("VirtualService hopline/middle", "configured: middle prod 50 %, middle canary 50 %")) // the active rules stay
	p.shoot("console-problem")
	l.edit("middle.yaml", "hots: [middle]", "hosts: [middle]")
	p.until(`document.querySelector("#problems").hidden`)

	core := eval[int](p, `fetch("/api/state").then((r) => r.json()).then((s) => s.workloads.find((w) => w.name === "hopline/core-prod").pods[0].process)`, chromedp.EvalAwaitPromise)
	process, err := os.FindProcess(core)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.until(`[...document.querySelectorAll("#workloads tr")].some((row) => /core-prod.*ready.*1/s.test(row.innerText))`)

	l.stop()
	p.until(`document.querySelector("#live").textContent === "Reconnecting"`)
	p.until(`document.querySelector("#ended").checkVisibility()`)
	p.contains("#ended", "The lab has ended", "the last known state")
	if mark := eval[string](p, `getComputedStyle(document.querySelector("#workloads .status"), "::before").content`); mark != `"was "` {
		t.Errorf("the state of a workload is preceded by %s, want \"was \"", mark)
	}
	for _, part := range []string{"#graph", "#rules", "#workloads-table"} {
		if got := eval[string](p, fmt.Sprintf(`getComputedStyle(document.querySelector(%q)).filter`, part)); got != "grayscale(1)" {
			t.Errorf("%s of a lab that has ended has the filter %q, want no colours", part, got)
		}
	}
	p.measure("ended")
	p.shoot("console-ended")
}

// TestConsoleEjected: an ejected replica is not shown as ready.
func TestConsoleEjected(t *testing.T) {
	t.Parallel()
	l := runLab(t, "", filepath.Join(copyDeploy(t), "overlays", "outlier"))
	p := consoleOf(t, l)
	p.contains("#workloads", "core-sick")
	const sick = `[...document.querySelectorAll("#workloads tr")].find((row) => row.innerText.includes("core-sick"))`
	for range 20 {
		l.call(20, "hops")
		if eval[bool](p, sick+`.innerText.includes("ejected")`) {
			break
		}
	}
	p.until(sick + `.innerText.includes("ejected")`)
	p.until(`/gets no requests from middle-\w+ until \d\d:\d\d:\d\d: /.test(` + sick + `.innerText)`)
	p.until(`/^\d+ of \d+ ready, 1 pod ejected$/.test(document.querySelector("#workloads-facts").innerText)`)
	p.until(`[...document.querySelectorAll("#graph .row.unwell .state")].some((state) => state.checkVisibility() && state.textContent === "1 ejected")`)
	if name := eval[string](p, `document.querySelector('#graph .part[data-part="hopline/core-sick"]').ariaLabel`); !strings.HasSuffix(name, ", 1 ejected") {
		t.Errorf("the sick workload is called %q in the graph, want that one is ejected", name)
	}
	p.measure("ejected")
	p.shoot("console-ejected")
}

// TestConsoleHidden: a page in a hidden tab closes its connection, and is up to date when it is visible again. So is a page that has lost the lab
// for a while.
func TestConsoleHidden(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p, seen := consoleOf(t, l), consoleOf(t, l)
	p.until(ruleSays("VirtualService hopline/front", "none yet"))
	turn := func(hidden bool) {
		eval[any](p, fmt.Sprintf(`(() => {
			Object.defineProperty(document, "hidden", { value: %t, configurable: true });
			document.dispatchEvent(new Event("visibilitychange"));
		})()`, hidden))
	}
	turn(true)
	l.call(3, "hops")
	seen.until(ruleSays("VirtualService hopline/front", "3 requests"))
	if eval[bool](p, ruleSays("VirtualService hopline/front", "3 requests")) {
		t.Error("a hidden page follows")
	}
	turn(false)
	p.until(ruleSays("VirtualService hopline/front", "3 requests"))

	line := newLine(t)
	line.to(l)
	lost := open(t, line.server.URL)
	lost.visit(line.server.URL + "/")
	lost.until(`document.querySelector("#live").textContent === "Live"`)
	lost.until(ruleSays("VirtualService hopline/front", "3 requests"))
	line.cut()
	lost.until(`document.querySelector("#live").textContent === "Reconnecting" && document.querySelector("#ended").checkVisibility()`)
	l.call(2, "hops")
	line.to(l)
	lost.until(ruleSays("VirtualService hopline/front", "5 requests"))
	lost.until(`document.querySelector("#live").textContent === "Live" && document.querySelector("#ended").hidden`)
	lost.adopts(line)
}

// adopts connects a page with another lab, as when a lab is started again on the same port: the page goes on with what was typed into it, shows only
// lines of the new lab, and drives it.
func (p *tab) adopts(line *line) {
	p.t.Helper()
	const token = `document.querySelector("meta[name=hopline-token]").content`
	old := eval[string](p, token)
	p.click(`#views a[href="/logs"]`)
	p.until(`document.querySelectorAll("#tail-lines li").length > 0`)
	eval[any](p, `(document.querySelector("#whatif-form").elements.yaml.value = "half a rule")`)
	line.cut()
	p.until(`document.querySelector("#ended").checkVisibility()`)
	l := startLab(p.t)
	l.call(1, "fast-page")
	line.to(l)
	p.until(fmt.Sprintf(`document.querySelector("#live").textContent === "Live" && %s !== %q`, token, old))
	p.until(`document.querySelectorAll("#tail-lines li").length > 0 && !document.querySelector("#tail-lines").innerText.includes("/hops")`)
	if got := eval[string](p, `document.querySelector("#whatif-form").elements.yaml.value`); got != "half a rule" {
		p.t.Errorf("the page has lost what was typed: it has %q", got)
	}
	p.click(`#views a[href="/"]`)
	p.openControls("Change workload core-prod")
	p.enter("replicas", "2")
	p.press(kb.Enter)
	p.barSays("core-prod", "2 replicas")
}

// TestConsoleTraces searches for traces and reads one, using only the keyboard.
func TestConsoleTraces(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	good := l.call(3, "hops")
	bad := l.call(1, "hops", "x-fault-core", "error=100")
	p := tracesOf(t, l)
	p.until(`document.querySelectorAll("#traces-list tr").length === 4`)
	p.contains("#traces-list tr", "GET /demo-app/hops", "spans failed")

	for range 12 { // past the addresses and through the search form
		p.press(kb.Tab)
		p.focusShows()
	}
	p.do(chromedp.Focus(chromedp.CSS("#search [name=errors]")))
	p.press(" ")
	p.until(`document.querySelectorAll("#traces-list tr").length === 1`)
	p.press(" ")
	p.until(`document.querySelectorAll("#traces-list tr").length === 4`)
	p.do(chromedp.Focus(chromedp.CSS("#search [name=min]")))
	p.press("1h", kb.Enter)
	p.until(`document.querySelector("#traces-empty").checkVisibility()`)
	p.contains("#traces-empty", "No stored trace matches this search.")
	p.press(kb.Backspace, "x", kb.Enter)
	p.until(`!document.querySelector("#traces-trouble").hidden`)
	p.contains("#traces-trouble", `want a duration such as 250ms or 2s, got "1x"`)
	p.press(kb.Backspace, kb.Backspace, kb.Enter)
	p.until(`document.querySelectorAll("#traces-list tr").length === 4`)
	p.press("1") // the list follows, and does not search for unfinished input
	l.call(1, "hops")
	p.until(`document.querySelectorAll("#traces-list tr").length === 5`)
	if !eval[bool](p, `document.querySelector("#traces-trouble").hidden`) {
		t.Errorf("before any search the page reports: %s", p.text("#traces-trouble"))
	}
	p.press(kb.Backspace)
	p.do(chromedp.SetValue(chromedp.CSS("#search [name=tags]"), "http.response.status_code=500"), chromedp.Focus(chromedp.CSS("#search [name=tags]")))
	p.press(kb.Enter)
	p.until(`document.querySelectorAll("#traces-list tr").length === 1`)

	// The search is in the address: a reload keeps it, and so does the way back from a trace. A name that no trace has stays chosen.
	p.visit(l.console + "traces?" + eval[string](p, "location.search.slice(1)") + "&service=none")
	p.until(`document.querySelector("#traces-unmatched").checkVisibility()`)
	if got := eval[string](p, `document.querySelector("#search [name=service]").value`); got != "none" {
		t.Errorf("the form asks for the service %q, want none", got)
	}
	p.do(chromedp.SetValue(chromedp.CSS("#search [name=service]"), "core"))
	eval[any](p, `document.querySelector("#search [name=service]").dispatchEvent(new Event("change", { bubbles: true }))`)
	p.until(`document.querySelectorAll("#traces-list tr").length === 1`)
	search := eval[string](p, "location.search")
	if !strings.Contains(search, "service=core") || !strings.Contains(search, "tags=http.response.status_code") {
		t.Errorf("the address has the search %q, want service and tags in it", search)
	}

	p.do(chromedp.Focus(chromedp.CSS("#traces-list a.request")))
	p.press(kb.Enter)
	p.until(`document.querySelectorAll("#waterfall .span").length > 5`)
	if got := eval[string](p, `document.querySelector("#trace .back a").search`); got != search {
		t.Errorf("the way back leads to %q, want %q", got, search)
	}
	p.wants("#views [aria-current]", "Traces")
	if got := eval[string](p, "location.pathname"); got != "/trace/"+bad {
		t.Errorf("the link leads to %s, want /trace/%s", got, bad)
	}
	p.wants("#trace-title", "GET /demo-app/hops")
	p.until(`document.activeElement.id === "trace-title"`)
	p.contains("#waterfall", "istio-ingressgateway", "front", "middle", "core prod", "injected", "✕")
	if depth := eval[int](p, `Math.max(...[...document.querySelectorAll(".span-head")].map((e) => Number(e.style.getPropertyValue("--depth"))))`); depth < 6 {
		t.Errorf("the deepest span is at %d, want at least 6: gateway, front twice, its proxy, middle twice, its proxy", depth)
	}
	p.press(kb.Tab) // the link that explains the rule
	p.until(`document.activeElement.closest("#trace-facts") !== null`)
	p.press(kb.Tab) // the first span
	p.press(kb.Enter)
	p.contains(".details", "http.url", "/demo-app/hops", "upstream_cluster")
	p.press(kb.Enter)
	p.until(`document.querySelector(".details") === null`)
	p.until(`document.querySelectorAll("#trace-logs .log").length >= 3`)
	p.contains("#trace-logs", "core prod", "front")
	p.shoot("console-trace")

	p.do(chromedp.NavigateBack())
	p.until(`document.querySelector("#traces-list").checkVisibility()`)
	p.visit(l.console + "trace/" + good)
	p.until(`document.querySelectorAll("#waterfall .span").length > 5`)
	p.contains("#trace-facts", "ok", good)
	p.visit(l.console + "trace/00000000000000000000000000000001")
	p.until(`!document.querySelector("#trace-trouble").hidden`)
	p.contains("#trace-trouble", "no trace", "is kept", "this page looks again")
	p.visit(l.console + "trace/nonsense")
	p.until(`!document.querySelector("#trace-trouble").hidden`)
	if words := p.text("#trace-trouble"); strings.Contains(words, "looks again") {
		t.Errorf("of an id that none has the page says %q", words)
	}
	p.visit(l.console + "no/such?page")
	p.contains("main", "No such page", "The console has no page at /no/such", "Back to the mesh")
	p.visit(l.console + "no/" + strings.Repeat("such", 100))
	p.measure("no such page")
	p.shoot("missing")
	p.click("#missing a")
	p.until(`document.querySelector("#mesh").checkVisibility() && !document.querySelector("#missing").checkVisibility()`)
}

// TestConsoleOddTraces shows traces that the suite does not make.
func TestConsoleOddTraces(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	for name, test := range map[string]func(*testing.T, *lab){"spans come late": spansComeLate, "long names": longNames, "markup": markup} {
		t.Run(name, func(t *testing.T) { test(t, l.in(t)) })
	}
}

// spansComeLate opens a trace before any of its spans has arrived; the callee's span arrives before the caller's.
func spansComeLate(t *testing.T, l *lab) {
	p := consoleOf(t, l)
	p.visit(l.console + "trace/00000000000000aa")
	p.until(`document.querySelector("#trace-trouble").innerText.includes("this page looks again")`)
	now := time.Now().UnixMicro()
	const span = `{"traceId":"00000000000000aa","id":"00000000000000%02x","parentId":"00000000000000%02x","kind":"SERVER","name":%q,"timestamp":%d,"duration":%d,"localEndpoint":{"serviceName":%[3]q}}`
	l.report("[" + fmt.Sprintf(span, 3, 2, "core", now, 1000) + "]")
	p.until(`document.querySelector("#trace-facts").innerText.includes("waiting for more spans")`)
	p.contains("#waterfall", "core", "parent missing")
	if trouble := eval[bool](p, `document.querySelector("#trace-trouble").hidden`); !trouble {
		t.Error("the trace is shown, and so is that there is none")
	}
	p.shoot("console-trace-late")
	l.report(strings.ReplaceAll("["+fmt.Sprintf(span, 2, 1, "middle", now-500, 2000)+"]", `"parentId":"0000000000000001",`, ""))
	p.until(`!document.querySelector("#waterfall").innerText.includes("parent missing")`)
	if facts := p.text("#trace-facts"); strings.Contains(facts, "awaited") {
		t.Errorf("all spans have arrived, and the page says %q", facts)
	}
}

// longNames shows a trace with extremely long names.
func longNames(t *testing.T, l *lab) {
	long := strings.Repeat("much-too-long-a-name-", 8)
	l.report(fmt.Sprintf(`[{"traceId":"00000000000000bb","id":"00000000000000bb","kind":"SERVER","name":%[1]q,"timestamp":%[2]d,"duration":90000,"localEndpoint":{"serviceName":%[1]q},
		"tags":{"service.version":%[1]q,"error":%[1]q,"fault.injected":"true","http.method":"GET","http.url":"http://%[1]s/%[1]s"}},
		{"traceId":"00000000000000bb","id":"00000000000000bc","parentId":"00000000000000bd","name":"short","timestamp":%[2]d,"duration":80000,"localEndpoint":{"serviceName":"short"},"tags":{"service.version":%[1]q}}]`,
		long, time.Now().UnixMicro()))
	for _, width := range []int64{1280, 360} {
		p := tracesOf(t, l)
		p.size(width, 740)
		p.until(`document.querySelectorAll("#traces-list tr").length > 0`)
		p.measure("traces")
		p.shoot(fmt.Sprint("console-long-", width))
		p.visit(l.console + "trace/00000000000000bb")
		p.until(`document.querySelectorAll("#waterfall .span").length === 2`)
		p.measure("trace")
		p.shoot(fmt.Sprint("console-trace-long-", width))
		p.click(".span-head")
		p.measure("details")
	}
}

// TestConsolePlain: without a mesh the console states why there are no numbers.
func TestConsolePlain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(copyDeploy(t), "overlays", "plain")
	edit(t, filepath.Join(dir, "front.yaml"), "nodePort: 30100", fmt.Sprint("nodePort: ", freeNodePort(t)))
	l := runLab(t, "", dir)
	l.call(2, "hops")
	p := consoleOf(t, l)
	p.contains("#workloads-table", "front")
	p.contains("#plain", "This overlay has no mesh: nothing counts requests.")
	p.contains("#rules-empty", "No rules")
	p.measure("plain")
	p.shoot("console-plain")
}

// freeNodePort returns a free port of Kubernetes' NodePort range.
func freeNodePort(t *testing.T) int {
	t.Helper()
	for port := 30001 + os.Getpid()%2000; port < 32768; port++ {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free node port")
	return 0
}

// TestFromPageToTrace clicks a call's trace on the page of the front, to which the lab has given the console's address: a new tab shows it.
func TestFromPageToTrace(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.page, "/demo-app/"))
	p.visit(l.page)
	p.click("button[value=hops]")
	p.calls(1)
	link := eval[string](p, `document.querySelector("#history a.trace").href`)
	if !strings.HasPrefix(link, l.console+"trace/") {
		t.Fatalf("the link to the trace is %s, want one to %strace/…", link, l.console)
	}
	opened := chromedp.WaitNewTarget(p.ctx, func(one *target.Info) bool { return one.URL != "" })
	p.click("#history a.trace")
	ctx, cancel := chromedp.NewContext(p.ctx, chromedp.WithTargetID(<-opened))
	t.Cleanup(cancel)
	q := &tab{t: t, ctx: ctx}
	q.showsTrace(strings.TrimPrefix(link, l.console+"trace/"))
	q.contains("#waterfall", "istio-ingressgateway", "front", "middle", "core")
}

// markup sends spans whose fields contain markup.
func markup(t *testing.T, l *lab) {
	now := l.call(1, "hops")
	const evil = `<img src=x onerror=\"document.title='evil'\">`
	l.report(fmt.Sprintf(`[{"traceId":%[1]q,"id":"00000000000000ff","name":"%[2]s","timestamp":%[3]s,"duration":5000000,"localEndpoint":{"serviceName":"%[2]s"},
		"tags":{"error":"%[2]s","%[2]s":"%[2]s","service.version":"%[2]s"},"annotations":[{"timestamp":1,"value":"%[2]s"}]}]`,
		"f"+now[1:], evil, strconv.FormatInt(time.Now().UnixMicro(), 10)))
	p := tracesOf(t, l)
	p.until(`document.querySelector("#traces-list").innerText.includes("<img src=x")`)
	p.visit(l.console + "trace/f" + now[1:])
	p.until(`document.querySelector("#waterfall .span-head") !== null`)
	p.click(".span-head")
	p.contains(".details", "<img src=x", "at ")
	harmless(p)

	p.visit(l.console + "compare/" + now + "/f" + now[1:])
	p.until(`document.querySelectorAll("#sides .side").length === 2`)
	p.contains("#sides", "<img src=x")
	p.contains("#where", "<img src=x")
	p.click("#sides .side:last-child .span-head")
	p.contains("#sides .details", "<img src=x")
	harmless(p)

	l.call(1, "%3Cimg%20src=x%20onerror=%22document.title='evil'%22%3E") // services log the path
	p.visit(l.console + "logs")
	p.until(`document.querySelector("#tail").innerText.includes("<img src=x")`)
	harmless(p)
	p.visit(l.console + "logs?workload=" + url.QueryEscape(strings.ReplaceAll(evil, `\`, "")) + "&text=" + url.QueryEscape(strings.ReplaceAll(evil, `\`, "")))
	p.until(`document.querySelector("#tail-empty").checkVisibility()`)
	harmless(p)
	p.visit(l.console + "time")
	p.until(`document.querySelectorAll(".time-card svg").length > 0`)
	harmless(p)
}

// harmless fails if the page has made elements of words from outside, or has run them.
func harmless(p *tab) {
	p.t.Helper()
	if made := eval[int](p, `document.querySelectorAll("main img").length`); made > 0 {
		p.t.Errorf("%d elements were made of words from outside", made)
	}
	if title := eval[string](p, "document.title"); strings.Contains(title, "evil") {
		p.t.Error("a script from outside ran")
	}
}

// TestConsoleLook brings the console into each of its states, light and dark, wide and narrow, and measures it.
func TestConsoleLook(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	l.call(10, "hops")
	l.call(2, "hops", "x-dev-user", "betaUser")
	bad := l.call(1, "slow-page", "x-fault-core", "error=100")
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 360} {
			p := consoleOf(t, l)
			p.scheme(scheme)
			p.size(width, 740)
			p.measure("mesh")
			p.shoot(fmt.Sprint("console-", scheme, "-", width))
			p.click(`#views a[href="/traces"]`)
			p.until(`document.querySelectorAll("#traces-list tr").length > 2`)
			p.measure("traces")
			p.shoot(fmt.Sprint("console-traces-", scheme, "-", width))
			p.visit(l.console + "trace/" + bad)
			p.until(`document.querySelectorAll("#trace-logs .log").length > 1`)
			p.click(".span-head")
			p.measure("trace")
			p.shoot(fmt.Sprint("console-trace-", scheme, "-", width))
			p.visit(l.console + "trace/nonsense")
			p.until(`!document.querySelector("#trace-trouble").hidden`)
			p.measure("no trace")
		}
	}
	l.edit("middle.yaml", "weight: 80", "wait: 80")
	for _, scheme := range []string{"light", "dark"} {
		p := consoleOf(t, l)
		p.scheme(scheme)
		p.size(360, 740)
		p.until(`!document.querySelector("#problems").hidden`)
		p.measure("broken edit")
		p.shoot(fmt.Sprint("console-problem-", scheme, "-360"))
	}
	// On a projector everything is larger.
	p := consoleOf(t, l)
	small := eval[float64](p, `parseFloat(getComputedStyle(document.body).fontSize)`)
	p.size(1920, 1080)
	if large := eval[float64](p, `parseFloat(getComputedStyle(document.body).fontSize)`); large < 1.2*small {
		t.Errorf("at 1920 px letters have %v px, want 1.2 times the %v px at 1280", large, small)
	}
	p.measure("wide")
	p.shoot("console-1920")
}
