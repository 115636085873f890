package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// fill sets the fields of the form of the view Load.
func (p *tab) fill(url, rate, seconds, headers string) {
	p.t.Helper()
	eval[any](p, fmt.Sprintf(`(() => {
		const form = document.querySelector("#load-form").elements;
		[form.url.value, form.rate.value, form.seconds.value, form.headers.value] = [%q, %q, %q, %q];
		form.rate.focus();
	})()`, url, rate, seconds, headers))
}

const (
	loadRuns  = `!document.querySelector("#load-stop").hidden && document.querySelector("#load-progress").innerText.startsWith("running")`
	loadEnded = `!document.querySelector("#load-report").hidden && !document.querySelector("#load-start").hidden`
)

// TestConsoleLoad sends load from the console, with the keyboard only: a run to its end, with its plots, its report and a trace of it; a run
// that is stopped; and one that is rejected.
func TestConsoleLoad(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console + "load")
	p.until(`document.querySelector("#load-form").elements.url.value === "/demo-app/hops"`)
	p.contains("#load", "at most 1000 a second for 10 minutes")
	p.measure("before the first run")
	p.shoot("load-before")

	p.fill("/demo-app/hops", "40", "5", "x-dev-user: stressTest\nx-fault-core: error=10")
	p.press(kb.Enter)
	p.until(loadRuns)
	p.until(`document.querySelectorAll("#load-plots path:is(.held, .p99)[d^=M]").length === 2`)
	p.measure("running")
	p.shoot("load-running")
	p.until(loadEnded)
	p.contains("#load-figures", "asked 40/s", "held 40", "responses 200", "in flight 0", "errors", "p50", "p99")
	p.contains("#load-command", "hopline load", "/demo-app/hops --rate 40 --duration 5s -H 'x-dev-user: stressTest' -H 'x-fault-core: error=10'")
	p.contains("#load-tables", "middle canary", "core test", "fits", "Responses Outcome Requests 200", "500", "Slowest", "Failed")
	if eval[bool](p, `document.querySelectorAll("#load-tables .badge").length < 6`) {
		t.Errorf("too few versions responded: %s", p.text("#load-tables"))
	}
	p.measure("ended")
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		for _, width := range []int64{1920, 1440, 360} {
			p.size(width, 900)
			p.visit(l.console + "load")
			p.until(loadEnded)
			if !eval[bool](p, `[...document.querySelectorAll("#load-plots svg")].length === 2 && [...document.querySelectorAll("#load-plots svg")].every((svg) => svg.getBoundingClientRect().right <= svg.closest(".plot").getBoundingClientRect().right + 1)`) {
				t.Errorf("at %d a plot is cut off", width)
			}
			p.measure(fmt.Sprint("ended, ", scheme, " ", width))
			p.shoot(fmt.Sprint("load-ended-", scheme, "-", width))
		}
	}

	p.click(`#load-tables section:last-child tbody tr:first-child a`) // of a failed request
	p.until(`document.querySelector("#waterfall")?.innerText.includes("core")`)
	p.size(1280, 800)
	p.visit(l.console + "api/load/report")
	p.contains("body", "Latency over time", "Versions that responded", "Slowest")
	p.measure("report")
	p.visit(l.console + "load")

	p.fill("/demo-app/hops", "5", "600", "")
	p.press(kb.Enter)
	p.until(loadRuns)
	for range 4 { // seconds, headers, connections, Stop
		p.press(kb.Tab)
	}
	if !eval[bool](p, `document.activeElement === document.querySelector("#load-stop")`) {
		t.Fatal("four tabs do not lead from the rate to Stop")
	}
	q := open(t, strings.TrimSuffix(l.console, "/")) // another page shows the same run
	q.visit(l.console + "load")
	q.until(loadRuns)
	p.press(kb.Enter)
	p.until(loadEnded)
	p.contains("#load-progress", "stopped after")
	q.until(loadEnded)

	p.fill("http://example.com/", "5000", "1", "")
	p.press(kb.Enter)
	p.until(`!document.querySelector("#load-trouble").hidden`)
	p.contains("#load-trouble", "url: want a path such as /demo-app/hops", `got "http://example.com/"`)
	p.fill("/", "5000", "1", "no header")
	p.press(kb.Enter)
	p.until(`document.querySelector("#load-trouble").innerText.startsWith("rate")`)
	p.contains("#load-trouble", "rate: want 1 to 1000 requests per second, got 5000", `headers: want 'name: value', got "no header"`)
	p.until(`document.querySelector("#toast").innerText === ""`) // it covers some of the page
	p.measure("rejected")
}
