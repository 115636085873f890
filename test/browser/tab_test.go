package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is one page of the browser and its events.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string // URLs
	troubles []string // from the console: errors, warnings, exceptions, violations of the policy
}

// open opens a tab of 1280 by 800 in light mode. At its end the test fails for every message of the browser's console, except for responses
// of 4xx and 5xx, which the page itself shows, and for each request to another origin.
func open(t *testing.T, origin string) *tab {
	t.Helper()
	return openFor(t, origin, 5*time.Minute)
}

// openFor opens a tab that may be used for a time.
func openFor(t *testing.T, origin string, limit time.Duration) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(ctx, limit)
	t.Cleanup(stop)
	p := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.note); err != nil {
		t.Fatal(err)
	}
	p.size(1280, 800)
	p.scheme("light")
	t.Cleanup(func() { p.check(origin) })
	return p
}

// note is called by the browser's reader for every event.
func (p *tab) note(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *log.EventEntryAdded:
		if e.Entry.Source != log.EntrySourceNetwork {
			p.troubles = append(p.troubles, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		p.troubles = append(p.troubles, fmt.Sprint(e.ExceptionDetails.Text, " ", e.ExceptionDetails.Exception.Description))
	case *runtime.EventConsoleAPICalled:
		p.troubles = append(p.troubles, fmt.Sprint("console.", e.Type))
	}
}

func (p *tab) check(origin string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.troubles) > 0 {
		p.t.Errorf("the browser's console has messages:\n%s", strings.Join(p.troubles, "\n"))
	}
	for _, request := range p.requests {
		u, err := url.Parse(request)
		if err != nil || u.Scheme != "data" && u.Scheme+"://"+u.Host != origin {
			p.t.Errorf("a request left %s: %s", origin, request)
		}
	}
}

// paths returns the paths of all requests so far, in order.
func (p *tab) paths() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var paths []string
	for _, request := range p.requests {
		if u, err := url.Parse(request); err == nil && u.Scheme != "data" {
			paths = append(paths, u.Path)
		}
	}
	return paths
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) visit(url string) {
	p.t.Helper()
	p.do(chromedp.Navigate(url))
}

func (p *tab) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// clickAt clicks the middle of the first element that a JavaScript expression returns, with the mouse: of a line, a click by its box may miss it.
func (p *tab) clickAt(element string) {
	p.t.Helper()
	at := eval[[]float64](p, fmt.Sprintf(`(() => {
		const one = %s;
		one.scrollIntoView({ block: "center" });
		const { left, width, top, height } = one.getBoundingClientRect();
		return [left + width / 2, top + height / 2];
	})()`, element))
	p.do(chromedp.MouseClickXY(at[0], at[1]))
}

// showsTrace waits until the tab shows a trace.
func (p *tab) showsTrace(id string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`location.pathname === "/trace/%s" && document.querySelector("#trace").checkVisibility() && document.querySelector("#trace-facts").innerText.includes(%[1]q) && document.querySelectorAll("#waterfall .span").length > 3`, id))
}

func (p *tab) press(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.do(chromedp.KeyEvent(key))
	}
}

func (p *tab) size(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
}

// scheme sets the user's preferred colour scheme: "light" or "dark".
func (p *tab) scheme(name string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// eval returns the value of a JavaScript expression in the page.
func eval[T any](p *tab, expression string, options ...chromedp.EvaluateOption) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits for a JavaScript expression to become true.
func (p *tab) until(expression string) {
	p.t.Helper()
	poll := chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(time.Minute))
	_, err := chromedp.Run(p.ctx, poll)
	if err != nil && strings.Contains(err.Error(), "Cannot find context") { // the next document replaced this one meanwhile
		_, err = chromedp.Run(p.ctx, poll)
	}
	if err != nil {
		p.t.Fatalf("this does not become true: %s: %v\nthe page says:\n%s", expression, err, p.text("body"))
	}
}

// text returns what a user reads in the first element that matches a selector, with blanks joined.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return strings.Join(strings.Fields(eval[string](p, fmt.Sprintf("document.querySelector(%q).innerText", selector))), " ")
}

// wants fails unless the element has that text.
func (p *tab) wants(selector, text string) {
	p.t.Helper()
	if got := p.text(selector); got != text {
		p.t.Errorf("%s reads %q, want %q", selector, got, text)
	}
}

// contains fails unless the element's text contains the words.
func (p *tab) contains(selector string, words ...string) {
	p.t.Helper()
	got := p.text(selector)
	for _, word := range words {
		if !strings.Contains(got, word) {
			p.t.Errorf("%s reads %q, want %q in it", selector, got, word)
		}
	}
}

// shoot saves a picture of the whole page in the directory that SCREENSHOTS names, if it is set.
func (p *tab) shoot(name string) {
	p.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// calls waits until the list has that many calls, and none is in progress.
func (p *tab) calls(n int) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.querySelectorAll("#history tr").length === %d && !document.querySelector(".pending")`, n))
}
