package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestCompare chooses two traces in the list and shows them side by side, with the keyboard.
func TestCompare(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	quick := l.call(1, "hops")
	slow := l.call(1, "hops", "x-fault-core", "latency=300ms")
	bad := l.call(1, "hops", "x-fault-core", "error=100")
	p := tracesOf(t, l)
	p.until(`document.querySelectorAll("#traces-list tr").length >= 3`)
	p.until(`document.querySelector("#traces-list").innerText.includes("fault injected")`)
	box := func(trace string) string { return fmt.Sprintf(`#traces-list tr[data-key="%s"] .pick input`, trace) }
	pick := func(trace string) {
		p.do(chromedp.Focus(chromedp.CSS(box(trace))))
		p.press(" ")
	}
	pick(bad)
	p.until(`document.querySelector("#compare-words").innerText.includes("Choose another one")`)
	pick(quick)
	pick(slow) // a third one replaces the first
	if eval[bool](p, fmt.Sprintf(`document.querySelector(%q).checked`, box(bad))) {
		t.Error("three traces are chosen")
	}
	p.measure("chosen")
	p.shoot("compare-chosen")
	p.do(chromedp.Focus(chromedp.CSS("#compare-link")))
	p.press(kb.Enter)
	p.until(`document.querySelectorAll("#sides .side").length === 2`)
	if got := eval[string](p, "location.pathname"); got != "/compare/"+quick+"/"+slow {
		t.Errorf("the address is %s, want /compare/%s/%s", got, quick, slow)
	}
	p.contains("#compare-facts", "Trace 2 took", "longer")
	// One scale holds for both, and the time went to core.
	axes := eval[[]string](p, `[...document.querySelectorAll("#sides .axis")].map((axis) => axis.innerText)`)
	if axes[0] != axes[1] || axes[0] == "" {
		t.Errorf("the scales are %q and %q, want the same", axes[0], axes[1])
	}
	widths := eval[[]float64](p, `[...document.querySelectorAll("#sides .side")].map((side) => parseFloat(side.querySelector(".work").style.getPropertyValue("--length")))`)
	if widths[0] > 50 || widths[1] < 90 {
		t.Errorf("the roots take %v %% of the scale, want less than half and nearly all", widths)
	}
	p.until(`[...document.querySelectorAll("#where tr")].some((row) => /core prod.*\+(2[89]|3)\d\d? ms|core.*\+0\.3/s.test(row.innerText.replace(/\s+/g, " ")))`)
	// A bar extends from the middle to the left if trace 2 waited less, and to the right if it waited more.
	if wrong := eval[[]string](p, `[...document.querySelectorAll("#where tr")].filter((row) => {
		const room = row.querySelector(".room").getBoundingClientRect(), bar = row.querySelector(".room span").getBoundingClientRect();
		const middle = (room.left + room.right) / 2, less = row.innerText.includes("−");
		return less ? bar.left >= middle || bar.right > middle + 1 : bar.left < middle - 1 || bar.right <= middle;
	}).map((row) => row.innerText)`); len(wrong) > 0 {
		t.Errorf("bars of these rows extend to the wrong side: %q", wrong)
	}
	p.measure("compare")
	p.shoot("compare")
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 1920, 360} {
			p.scheme(scheme)
			p.size(width, 900)
			p.until(fmt.Sprintf("innerWidth === %d", width))
			p.measure("compare")
			p.shoot(fmt.Sprint("compare-", scheme, "-", width))
		}
	}
	p.visit(l.console + "compare/" + quick + "/00000000000000000000000000000001")
	p.until(`document.querySelector("#compare-trouble").checkVisibility()`)
	p.contains("#compare-trouble", "no trace", "is kept")
	p.visit(l.console + "compare/00000000000000000000000000000002/00000000000000000000000000000001")
	p.until(`document.querySelectorAll("#compare-trouble .line-of").length === 2`)
}
