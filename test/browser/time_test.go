package browser

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// plotSays returns a JavaScript expression: whether the name of a plot of the view Time, which holds its newest values, contains some words.
func plotSays(plot string, words string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".plot-frame")].some((frame) => frame.ariaLabel?.startsWith(%q) && frame.ariaLabel.includes(%q))`, plot, words)
}

// TestTime follows traffic on the view Time: figures of each version, marks of an edit and of a restart, and dots that open traces.
func TestTime(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console + "time")
	p.until(`document.querySelector("#time-empty").checkVisibility()`)
	p.contains("#time-empty", "No requests in the last 15 minutes.")

	l.call(40, "hops")
	bad := l.call(1, "hops", "x-fault-core", "error=100")
	p.until(`document.querySelectorAll(".time-card").length >= 4`)
	order := eval[[]string](p, `[...document.querySelectorAll(".time-card h2")].map((title) => title.textContent)`)
	if got := strings.Join(order, " "); !strings.HasPrefix(got, "front middle core ") {
		t.Errorf("the services are %s, want them in the order of a request's way", got)
	}
	p.until(plotSays("middle, Requests per second", "prod"))
	p.until(`document.querySelector(".dot.failed") !== null && document.querySelector(".dot:not(.failed)") !== null`)

	l.edit("middle.yaml", "weight: 80", "weight: 50")
	l.edit("middle.yaml", "weight: 20", "weight: 50")
	process := eval[int](p, `fetch("/api/state").then((r) => r.json()).then((s) => s.workloads.find((w) => w.name === "hopline/core-prod").pods[0].process)`, chromedp.EvalAwaitPromise)
	core, err := os.FindProcess(process)
	if err != nil {
		t.Fatal(err)
	}
	if err := core.Kill(); err != nil {
		t.Fatal(err)
	}
	p.until(`["rules saved", "restart"].every((words) => document.querySelector("#marks").innerText.includes(words))`)
	p.contains("#marks", "middle.yaml is live", "prod 80 → 50", "ended by signal: killed")
	p.until(`document.querySelectorAll(".plots .mark.rules").length > 0 && document.querySelectorAll(".plots .mark.restart").length > 0`)
	p.measure("time")
	p.shoot("time")

	// The keyboard reads values and opens the trace of a dot.
	p.do(chromedp.Focus(chromedp.CSS(".plot-frame")))
	p.until(`!document.querySelector(".plot-tip").hidden`)
	before := p.text(".plot-tip .when")
	p.press(kb.ArrowLeft)
	p.until(fmt.Sprintf(`document.querySelector(".plot-tip .when").innerText !== %q`, before))
	p.do(chromedp.Focus(chromedp.CSS(".dot.failed")))
	label := eval[string](p, `document.activeElement.ariaLabel`)
	if !strings.Contains(label, "failed, 500") || !strings.HasSuffix(label, ": open its trace") {
		t.Errorf("the dot of the failed request is called %q", label)
	}
	p.press(kb.Enter)
	p.until(`document.querySelectorAll("#waterfall .span").length > 5`)
	if got := eval[string](p, "location.pathname"); got != "/trace/"+bad {
		t.Errorf("the dot opens %s, want /trace/%s", got, bad)
	}
	p.do(chromedp.NavigateBack())
	p.until(`document.querySelector("#time").checkVisibility() && document.querySelector(".dot:not(.failed)") !== null`)
	// Dots may lie over one another: the click opens the trace of the topmost.
	p.until(`document.querySelector(".dot:not(.failed)") !== null`)
	const slow = `document.querySelector(".dot:not(.failed) .reach")`
	eval[any](p, slow+`.scrollIntoView({ block: "center" })`)
	id := eval[string](p, `(({ left, width, top, height }) => document.elementFromPoint(left + width / 2, top + height / 2).closest(".dot").getAttribute("href").slice("/trace/".length))(`+slow+`.getBoundingClientRect())`)
	p.clickAt(slow)
	p.showsTrace(id)
}

// TestTimeLook shows the view Time light and dark, wide and narrow.
func TestTimeLook(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console + "time")
	for range 5 {
		l.call(60, "hops")
		l.call(6, "hops", "x-dev-user", "betaUser")
		l.call(2, "slow-page")
		l.call(3, "hops", "x-fault-core", "error=100")
	}
	l.edit("middle.yaml", "weight: 80", "weight: 30")
	l.edit("middle.yaml", "weight: 20", "weight: 70")
	p.until(`document.querySelector("#marks").innerText.includes("rules saved")`)
	for range 4 {
		l.call(50, "hops")
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 1920, 360} {
			p.scheme(scheme)
			p.size(width, 900)
			p.until(fmt.Sprintf(`innerWidth === %d && document.querySelectorAll(".area").length > 2
				&& [...document.querySelectorAll(".plot")].every((plot) => plot.querySelector("svg")?.getAttribute("width") === String(plot.clientWidth) || plot.getBoundingClientRect().top > innerHeight + 200)`, width))
			p.measure("time")
			p.shoot(fmt.Sprint("time-", scheme, "-", width))
		}
	}
}

// TestTimeOfMany shows 200 workloads: the work of a frame stays short.
func TestTimeOfMany(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console + "traces")
	// The figures of 100 services of two versions, with requests in every bucket of the last 15 minutes.
	eval[any](p, `(() => {
		const real = window.fetch;
		const [keep, every] = [180, 5000];
		const begin = Date.now() - keep * every;
		window.fetch = (path, options) => {
			if (!String(path).startsWith("/api/series")) return real(path, options);
			const since = Number(new URL(path, location.href).searchParams.get("since"));
			const buckets = since ? 1 : keep;
			const from = since || begin;
			const values = (most) => Array.from({ length: buckets }, () => Math.ceil(most * Math.random()));
			const lines = Array.from({ length: 200 }, (_, i) => ({
				namespace: "many", service: "service-" + (i >> 1), version: i % 2 ? "canary" : "prod", workload: "workload-" + i,
				requests: values(50), errors: values(3), p50_us: values(20000), p99_us: values(900000),
				examples: Array.from({ length: buckets }, (_, j) => ({ at: from + j * every + 1, failed: j % 2 > 0, us: 900000, status: 500, trace: "f".repeat(32) })),
			}));
			return Promise.resolve(new Response(JSON.stringify({ begin: from, every, keep, buckets, next: 300, left_out: 0, lines, marks: [] }), { headers: { "Content-Type": "application/json" } }));
		};
		window.frames16 = [];
		const wait = window.requestAnimationFrame;
		window.requestAnimationFrame = (work) => wait((now) => { const begun = performance.now(); work(now); window.frames16.push(performance.now() - begun); });
	})()`)
	p.click(`#views a[href="/time"]`)
	p.until(`document.querySelectorAll(".time-card").length === 100 && document.querySelectorAll(".time-card svg").length > 0`)
	const drawing = `window.frames16.filter((took) => took > 0.2)` // an empty frame is shorter
	p.until(drawing + `.length > 30`)
	frames := eval[[]float64](p, drawing+`.toSorted((a, b) => a - b)`)
	median := frames[len(frames)/2]
	t.Logf("%d frames that draw: the script takes %.1f ms in the median and %.1f ms at most", len(frames), median, frames[len(frames)-1])
	if median > 16 {
		t.Errorf("the script of a frame that draws takes %.1f ms in the median, want at most 16", median)
	}
	if drawn := eval[int](p, `[...document.querySelectorAll(".time-card")].filter((card) => card.querySelector("svg")).length`); drawn > 20 {
		t.Errorf("%d of 100 services are drawn, want only those that can be seen", drawn)
	}
	p.measure("many")
}
