package browser

import (
	_ "embed"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

//go:embed contrast.js
var contrastScript string

//go:embed overlap.js
var overlapScript string

// faint is a text with too little contrast.
type faint struct {
	Text, Color, Ground string
	Ratio, Want         float64
}

// TestLook brings the page into each of its states, light and dark, wide and narrow, and measures it.
func TestLook(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 360} {
			t.Run(fmt.Sprint(scheme, " ", width), func(t *testing.T) {
				t.Parallel()
				p := open(t, c.front.url)
				p.scheme(scheme)
				p.size(width, 740)
				p.visit(c.front.url + "/")
				p.measure("empty")
				p.click(`label:has(input[name=user][value=betaUser])`)
				for i, button := range []string{"fast-page", "slow-page", "hops"} {
					p.click("button[value=" + button + "]")
					p.calls(i + 1)
					p.measure(button)
				}
				p.shoot(fmt.Sprint("front-", scheme, "-", width))
				p.click(`label:has(input[name=fail][value="1"])`)
				p.click("button[value=hops]")
				p.calls(4)
				p.measure("failed")
				p.shoot(fmt.Sprint("front-failed-", scheme, "-", width))
				p.visit(c.front.url + "/slow-page")
				p.measure("slow page of its own")
				p.shoot(fmt.Sprint("front-frame-", scheme, "-", width))
			})
		}
	}
}

// TestLongNames shows responses of services and versions with extremely long names.
func TestLongNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("much-too-long-a-name-", 4)
	middle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server-Timing", fmt.Sprintf(`middle;desc=%[1]q;dur=1, %[1]s;desc="prod";dur=12345.6, %[1]s;desc=%[1]q;dur=1`, long))
		if r.URL.Path == "/hops" {
			w.WriteHeader(http.StatusNetworkAuthenticationRequired) // this status has a long name too
		}
		fmt.Fprint(w, long)
	}))
	t.Cleanup(middle.Close)
	front := startFront(t, long, middle.URL)
	for _, width := range []int64{1280, 360} {
		p := open(t, front.url)
		p.size(width, 740)
		p.visit(front.url + "/")
		p.click(`label:has(input[name=user][value=stressTest])`)
		p.click("button[value=slow-page]")
		p.calls(1)
		p.click("button[value=hops]")
		p.calls(2)
		p.measure("long names")
		p.shoot(fmt.Sprint("front-long-", width))
	}
}

// measure fails for text with less contrast than WCAG 2.2 requires (1.4.3, level AA), for overlapping texts, for anything outside of the
// window, and for controls without a name.
func (p *tab) measure(state string) {
	p.t.Helper()
	for _, f := range eval[[]faint](p, contrastScript) {
		p.t.Errorf("%s: %q has a contrast of %.2f (%s on %s), want %.1f", state, f.Text, f.Ratio, f.Color, f.Ground, f.Want)
	}
	for _, pair := range eval[[][2]string](p, overlapScript) {
		p.t.Errorf("%s: %q and %q overlap", state, pair[0], pair[1])
	}
	for _, out := range eval[[]string](p, `[...document.querySelectorAll("body *")]
		.filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5 && !e.closest(".unseen") && getComputedStyle(e).visibility !== "hidden")
		.map((e) => e.outerHTML.slice(0, 120))`) {
		p.t.Errorf("%s: this extends beyond the right edge: %s", state, out)
	}
	if width := eval[[]int](p, `[document.documentElement.scrollWidth, innerWidth]`); width[0] > width[1] {
		p.t.Errorf("%s: the page is %d px wide in a window of %d", state, width[0], width[1])
	}
	p.named(state)
}

// named checks the names that a screen reader gets from the browser.
func (p *tab) named(state string) {
	p.t.Helper()
	tree, err := chromedp.Call(p.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		p.t.Fatal(err)
	}
	controls := map[string]bool{"button": true, "link": true, "radio": true, "checkbox": true, "combobox": true, "textbox": true, "progressbar": true, "image": true, "table": false}
	seen := 0
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		role := string(node.Role.Value)
		if len(role) > 2 && controls[role[1:len(role)-1]] {
			seen++
			if node.Name == nil || string(node.Name.Value) == `""` {
				p.t.Errorf("%s: a %s has no name", state, role)
			}
		}
	}
	if seen == 0 {
		p.t.Errorf("%s: there is no control at all", state)
	}
}
