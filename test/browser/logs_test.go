package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// logsOf opens the view Logs of a lab's console, with a filter as the query of its address.
func logsOf(t *testing.T, l *lab, query string) *tab {
	t.Helper()
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console + "logs" + query)
	p.until(`document.querySelector("#logs-facts").textContent.includes("live")`)
	return p
}

// TestLogs follows the output of all processes, filters it in each way, and follows a line to its trace and back. The mouse is used only at the end.
func TestLogs(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := logsOf(t, l, "")
	good := l.call(1, "hops")
	bad := l.call(1, "hops", "x-fault-core", "error=100")
	line := func(trace string) string { return fmt.Sprintf(`.tail-line a[href="/trace/%s"]`, trace) }
	for _, trace := range []string{good, bad} {
		p.until(fmt.Sprintf(`document.querySelectorAll(%q).length >= 3`, line(trace)))
	}
	p.contains("#tail", "front", "middle", "core prod")
	p.measure("logs")
	p.shoot("logs")

	choose := func(name, value string) {
		eval[any](p, fmt.Sprintf(`(() => {
			const field = document.querySelector("#log-filter [name=%s]");
			field.value = %q;
			field.dispatchEvent(new Event("change", { bubbles: true }));
		})()`, name, value))
	}
	// By workload: new lines of others do not appear.
	p.until(`[...document.querySelector("#log-filter [name=workload]").options].some((option) => option.value === "core")`)
	choose("workload", "core")
	p.until(`document.querySelectorAll(".tail-line").length > 0 && [...document.querySelectorAll(".tail-line b")].every((name) => name.textContent.startsWith("core"))`)
	more := l.call(1, "hops")
	p.until(fmt.Sprintf(`document.querySelectorAll(%q).length > 0`, line(more)))
	if others := eval[int](p, `[...document.querySelectorAll(".tail-line b")].filter((name) => !name.textContent.startsWith("core")).length`); others > 0 {
		t.Errorf("%d lines of other workloads appeared", others)
	}
	if got := eval[string](p, "location.search"); got != "?workload=core" {
		t.Errorf("the address has the filter %q, want ?workload=core", got)
	}
	// By level and text.
	choose("level", "error")
	p.until(`document.querySelector("#tail-empty").checkVisibility()`)
	choose("level", "warn")
	p.until(`document.querySelectorAll(".tail-line").length > 0 && [...document.querySelectorAll(".tail-line .level")].every((level) => level.textContent === "WARN")`)
	choose("level", "")
	choose("workload", "")
	p.do(chromedp.Focus(chromedp.CSS("#log-filter [name=text]")))
	p.press("CODE=500", kb.Enter)
	p.until(`document.querySelector("#tail-empty").checkVisibility()`)
	p.contains("#tail-empty", "No line matches this filter yet.")
	choose("text", `"CODE":500`)
	p.until(`document.querySelectorAll(".tail-line").length > 0 && [...document.querySelectorAll(".tail-line")].every((line) => line.innerText.includes("code=500"))`)
	choose("text", "")
	// By trace: an invalid trace id is rejected with a message.
	choose("trace", "nonsense")
	p.until(`document.querySelector("#logs-trouble").checkVisibility()`)
	p.contains("#logs-trouble", `trace: want 16 or 32 hex digits in lower case, got "nonsense"`)
	choose("trace", bad)
	p.until(fmt.Sprintf(`document.querySelectorAll(".tail-line").length > 2 && document.querySelectorAll(".tail-line").length === document.querySelectorAll(%q).length`, line(bad)))
	if !eval[bool](p, `document.querySelector("#logs-trouble").hidden`) {
		t.Error("the message about the previous filter is still shown")
	}

	// A line opens its trace, and the trace its lines.
	p.do(chromedp.Focus(chromedp.CSS(line(bad))))
	p.focusShows()
	p.press(kb.Enter)
	p.until(`document.querySelectorAll("#waterfall .span").length > 5`)
	if got := eval[string](p, "location.pathname"); got != "/trace/"+bad {
		t.Errorf("the line opens %s, want /trace/%s", got, bad)
	}
	p.contains("#trace-facts", "Failed first: core prod responded with 500: an injected fault")
	p.contains("#waterfall", "injected: error")
	p.do(chromedp.Focus(chromedp.CSS("#trace-logs-all")))
	p.press(kb.Enter)
	p.until(fmt.Sprintf(`document.querySelectorAll(%q).length > 2`, line(bad)))
	if got := eval[string](p, "location.pathname + location.search"); got != "/logs?trace="+bad {
		t.Errorf("the trace leads to %s, want /logs?trace=%s", got, bad)
	}
	p.click(line(bad))
	p.showsTrace(bad)
}

// TestLogsPaused: while the view is paused it stays as it is, and new lines wait.
func TestLogsPaused(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := logsOf(t, l, "?workload=core")
	l.call(1, "hops")
	p.until(`document.querySelectorAll(".tail-line").length > 0`)
	p.do(chromedp.Focus(chromedp.CSS("#log-pause")))
	p.press(" ")
	p.until(`document.querySelector("#logs-facts").textContent.includes("paused")`)
	before := eval[int](p, `document.querySelectorAll(".tail-line").length`)
	l.call(5, "hops")
	p.until(`/[5-9] new lines wait/.test(document.querySelector("#logs-facts").textContent)`)
	if now := eval[int](p, `document.querySelectorAll(".tail-line").length`); now != before {
		t.Errorf("paused, the view went from %d lines to %d", before, now)
	}
	p.press(" ")
	p.until(fmt.Sprintf(`document.querySelectorAll(".tail-line").length >= %d`, before+5))
}

// TestLogsLook shows the view Logs light and dark, wide and narrow.
func TestLogsLook(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	l.call(8, "hops")
	l.call(2, "hops", "x-fault-core", "error=100")
	p := logsOf(t, l, "")
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 1920, 360} {
			p.scheme(scheme)
			p.size(width, 900)
			p.until(fmt.Sprintf(`innerWidth === %d && document.querySelectorAll(".tail-line").length > 20`, width))
			p.measure("logs")
			p.shoot(fmt.Sprint("logs-", scheme, "-", width))
		}
	}
}
