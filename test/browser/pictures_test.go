package browser

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// maxPicture is the largest size in bytes of a picture that a page of the documentation uses.
const maxPicture = 150_000

// TestPictures takes the documentation's pictures of the suite with the overlay canary, into the directory that PICTURES names.
func TestPictures(t *testing.T) {
	dir := os.Getenv("PICTURES")
	if dir == "" {
		t.Skip("PICTURES names no directory for the documentation's pictures")
	}
	l := runLab(t, filepath.Join("..", ".."), filepath.Join("deploy", "overlays", "canary"))

	p := open(t, strings.TrimSuffix(l.page, "/demo-app/"))
	p.visit(l.page)
	// Enough calls for shares close to those in the text: of 500 draws at 20 %, 95 in 100 times 16.5 to 23.5 %.
	p.repeat("betaUser", 20)
	p.repeat("", 500)
	const made = 520
	eval[any](p, `(() => { const e = document.querySelector("#window"); e.value = "500"; e.dispatchEvent(new Event("change")); })()`)
	q := open(t, strings.TrimSuffix(l.console, "/"))
	q.visit(l.console)
	q.until(`document.querySelector("#live").textContent === "Live"`)
	q.until(ruleSays("VirtualService hopline/front", fmt.Sprint(made+1, " requests"))) // and the request for the page itself
	q.keep(dir, "console", "#workloads-table")

	p.callByHand("slow-page", made+1)
	trace := eval[string](p, `document.querySelector("#history a.trace").href`)
	p.callByHand("hops", made+2)
	p.keep(dir, "page", "#shares .share:nth-child(3)")
	p.scheme("dark")
	p.keep(dir, "page-dark", "#shares .share:nth-child(3)")

	q.visit(trace)
	q.until(`document.querySelector("#waterfall")?.innerText.includes("data_transformation") && document.querySelectorAll(".log").length >= 4 && !document.querySelector("#waterfall").innerText.includes("parent missing")`)
	q.keep(dir, "trace", "#trace-columns > .card:has(#trace-logs)")
}

// repeat makes that many calls of /hops as a user and waits for their end.
func (p *tab) repeat(user string, times int) {
	p.t.Helper()
	p.click(fmt.Sprintf(`label:has(input[name=user][value=%q])`, user))
	eval[any](p, fmt.Sprintf(`(() => { const e = document.querySelector("#repeat").elements; e.times.value = "%d"; e.rate.value = "20"; })()`, times))
	p.click("#repeat-toggle")
	p.until(`document.querySelector("#repeat-toggle").textContent === "Start" && document.querySelector("#repeat-progress").value === ` + fmt.Sprint(times))
}

// callByHand presses a button and waits for the call with that number.
func (p *tab) callByHand(what string, number int) {
	p.t.Helper()
	p.click("button[value=" + what + "]")
	p.until(fmt.Sprintf(`document.querySelector("#history tr").dataset.number === "%d" && !document.querySelector(".pending")`, number))
}

// keep writes a picture of the page from its top to a little below an element, without focus and with the mouse away.
func (p *tab) keep(dir, name, last string) {
	p.t.Helper()
	eval[any](p, `(() => { document.activeElement.blur(); scrollTo(0, 0); })()`)
	if _, err := chromedp.Call(p.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved}); err != nil {
		p.t.Fatal(err)
	}
	p.size(1280, eval[int64](p, fmt.Sprintf(`Math.ceil(document.querySelector(%q).getBoundingClientRect().bottom + 16)`, last)))
	shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		p.t.Fatal(err)
	}
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&file, paletted(full)); err != nil {
		p.t.Fatal(err)
	}
	if file.Len() > maxPicture {
		p.t.Errorf("%s.png has %d bytes, want at most %d", name, file.Len(), maxPicture)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), file.Bytes(), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// paletted returns a picture in its own 256 most frequent colours. A page has few colours besides the steps at the edges of letters, so the
// difference is not visible, and the file is a third of the size.
func paletted(full image.Image) *image.Paletted {
	bounds := full.Bounds()
	counts := map[color.Color]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[full.At(x, y)]++
		}
	}
	var palette color.Palette
	for c := range counts {
		palette = append(palette, c)
	}
	slices.SortFunc(palette, func(a, b color.Color) int { return cmp.Compare(counts[b], counts[a]) })
	palette = palette[:min(len(palette), 256)]
	places := make(map[color.Color]uint8, len(counts))
	for c := range counts {
		places[c] = uint8(palette.Index(c))
	}
	small := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			small.SetColorIndex(x, y, places[full.At(x, y)])
		}
	}
	return small
}
