package browser

import (
	"math"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// mouse sends an event of the mouse with the left button.
func (p *tab) mouse(what input.DispatchMouseEventType, x, y float64) {
	p.t.Helper()
	event := input.DispatchMouseEventParams{Type: what, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1}
	if _, err := chromedp.Call(p.ctx, input.DispatchMouseEvent, event); err != nil {
		p.t.Fatal(err)
	}
}

// TestDragASlider drags the slider of a weight with the mouse: the weights follow while it moves, the other one changes by as much, and the
// lab has the last values.
func TestDragASlider(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	p.openControls("Change rule everybody of VirtualService hopline/middle")
	p.dragFrom80To30()
	p.until(`(() => { const [a, b] = [...document.querySelectorAll("#drawer input[type=range]")].map((slider) => slider.value); return document.querySelector("#changes-list").innerText.includes("prod " + a + ", canary " + b); })()`)
	weights := eval[[]float64](p, `fetch("/api/rule?object=hopline/middle&rule=everybody").then((r) => r.json()).then((rule) => rule.http.route.map((one) => one.weight))`, chromedp.EvalAwaitPromise)
	if len(weights) != 2 || math.Abs(weights[0]-30) > 3 || weights[0]+weights[1] != 100 {
		t.Errorf("after the drag the lab has the weights %v, want about 30 and the rest of 100", weights)
	}
}

// dragFrom80To30 drags the first of the two sliders in the drawer, and checks that the other one changes by as much meanwhile.
func (p *tab) dragFrom80To30() {
	p.t.Helper()
	p.until(`document.querySelectorAll("#drawer input[type=range]").length === 2`)
	eval[any](p, `document.querySelector("#drawer input[type=range]").scrollIntoView({ block: "center" })`)
	box := eval[[]float64](p, `(({ left, width, top, height }) => [left, width, top + height / 2])(document.querySelector("#drawer input[type=range]").getBoundingClientRect())`)
	const thumb = 16 // px: its middle moves between half of it from both ends
	at := func(value float64) float64 { return box[0] + thumb/2 + (box[1]-thumb)*value/100 }
	p.mouse("mousePressed", at(80), box[2])
	for value := 78.0; value >= 30; value -= 4 {
		p.mouse("mouseMoved", at(value), box[2])
	}
	values := eval[[]float64](p, `[...document.querySelectorAll("#drawer input[type=range]")].map((slider) => Number(slider.value))`)
	if len(values) != 2 || math.Abs(values[0]-30) > 3 || values[0]+values[1] != 100 {
		p.t.Errorf("during the drag the sliders are at %v, want about 30 and the rest of 100", values)
	}
	p.mouse("mouseReleased", at(30), box[2])
}
