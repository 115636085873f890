package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestClick presses each button once.
func TestClick(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	p := open(t, c.front.url)
	p.visit(c.front.url + "/")
	p.contains("#last", "Press a button")
	p.contains(".served", "front amber")
	p.shoot("front-empty")

	p.click("button[value=slow-page]")
	p.calls(1)
	p.contains("#last-note", "Response from core: I am a slow request that took 0.")
	p.contains("#last-route", "front amber", "middle canary", "core test")
	p.contains("#history tr", "Slow page", "200 OK")
	p.shoot("front-slow")

	p.click("button[value=fast-page]")
	p.calls(2)
	p.wants("#last-note", "Hello Fast!")
	p.contains("#last-route", "front amber", "in the background")

	p.click("button[value=hops]")
	p.calls(3)
	lines := strings.Split(strings.TrimSpace(eval[string](p, `document.querySelector("#last-lines").innerText`)), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d hop lines, want 4: %q", len(lines), lines)
	}
	for i, end := range []string{
		"front-amber --getRespondFrom--> " + c.middle.url + "/hops",
		"middle-canary --getRespondFrom--> " + c.core.url + "/hops",
		"core-test --getRespondFrom--> " + c.clock.url + "/time",
	} {
		if !strings.HasPrefix(lines[i], "took (") || !strings.HasSuffix(lines[i], " ms) "+end) {
			t.Errorf("hop line %d is %q, want took (… ms) %s", i+1, lines[i], end)
		}
	}
	if !strings.Contains(lines[3], " ms) clock-prod at ") {
		t.Errorf("the last hop line is %q, want took (… ms) clock-prod at …", lines[3])
	}
	p.contains("#shares", "front 3 responses", "middle 2 responses", "core 2 responses", "amber 100 % 3")
	p.contains("#history-facts", "3 made, 0 failed")
	p.shoot("front-hops")

	traces := eval[[]string](p, `[...document.querySelectorAll("#history a.trace")].map((a) => a.href)`)
	if len(traces) != 3 || traces[0] == traces[1] || !strings.HasPrefix(traces[0], c.front.url+"/jaeger/trace/") || len(traces[0]) != len(c.front.url+"/jaeger/trace/")+32 {
		t.Errorf("the links to the traces are %q", traces)
	}

	p.click("#history tr:last-child button")
	p.wants("#last-title", "Call 1")
	p.click("#clear")
	p.calls(0)
	p.contains("#last", "Press a button")
}

// TestNarrow presses a button on a phone, where the response is shown below the buttons, out of sight.
func TestNarrow(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	p := open(t, c.front.url)
	p.size(360, 640)
	p.visit(c.front.url + "/")
	const top = `document.querySelector("#last").getBoundingClientRect().top / innerHeight`
	if at := eval[float64](p, top); at < 1 {
		t.Fatalf("the last call begins at %.2f of the window, want it below", at)
	}
	p.click("button[value=hops]")
	p.calls(1)
	if at := eval[float64](p, top); at < 0 || at > 0.5 {
		t.Errorf("after a press the last call begins at %.2f of the window, want it in sight", at)
	}
}

// TestChoices: the page sends the chosen user and faults.
func TestChoices(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	middle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Header.Get("X-Dev-User") + " " + r.Header.Get("Fail"))
		fmt.Fprintln(w, "fine")
	}))
	t.Cleanup(middle.Close)
	front := startFront(t, "blue", middle.URL, "TRACE_UI_URL=", "FAULT_HEADERS=false") // passed on, but not applied here
	p := open(t, front.url)
	p.visit(front.url + "/")
	for i, test := range []struct{ user, fail, want string }{{"", "", " "}, {"betaUser", "", "betaUser "}, {"stressTest", "0.05", "stressTest 0.05"}} {
		p.click(fmt.Sprintf(`label:has(input[name=user][value=%q])`, test.user))
		p.click(fmt.Sprintf(`label:has(input[name=fail][value=%q])`, test.fail))
		p.click("button[value=slow-page]")
		p.calls(i + 1)
		if got := asked.Load(); got != test.want {
			t.Errorf("with user %q and fail %q the upstream saw %q, want %q", test.user, test.fail, got, test.want)
		}
	}
	// Without a trace UI the trace ids are shown, but are not links.
	if ids := eval[[]string](p, `[...document.querySelectorAll("#history .trace")].map((e) => e.tagName + e.textContent.length)`); strings.Join(ids, " ") != "CODE32 CODE32 CODE32" {
		t.Errorf("the traces are shown as %v, want three ids of 32 digits that lead nowhere", ids)
	}
}

// TestKeyboard uses only the keyboard.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	p := open(t, c.front.url)
	p.visit(c.front.url + "/")
	const focused = `(() => { const e = document.activeElement; return e.value || e.textContent.trim() })()`
	p.press(kb.Tab)
	if got := eval[string](p, focused); got != "Skip to the last call" {
		t.Errorf("the first stop is %q, want the link that skips the buttons", got)
	}
	for _, stop := range []string{"hops", "slow-page", "fast-page"} {
		p.press(kb.Tab)
		if got := eval[string](p, focused); got != stop {
			t.Fatalf("the focus is on %q, want %s", got, stop)
		}
		p.focusShows()
	}
	p.press(kb.Enter) // Fast page
	p.calls(1)
	p.press(kb.Tab, kb.ArrowRight) // from none to betaUser
	if got := eval[string](p, `new FormData(document.querySelector("#ask")).get("user")`); got != "betaUser" {
		t.Errorf("the arrow chose %q, want betaUser", got)
	}
	p.focusShows()
	p.press(kb.Tab, kb.ArrowRight, kb.ArrowRight, kb.ArrowRight, kb.ArrowRight) // from none to 100 %
	if got := eval[string](p, `new FormData(document.querySelector("#ask")).get("fail")`); got != "1" {
		t.Errorf("the arrows chose %q, want 1", got)
	}
	for range 4 { // path, times, rate, start
		p.press(kb.Tab)
		p.focusShows()
	}
	if got := eval[string](p, `document.activeElement.id`); got != "repeat-toggle" {
		t.Fatalf("the focus is on %q, want repeat-toggle", got)
	}
	p.press(" ")
	p.until(`document.querySelectorAll("#history tr").length > 3`)
	p.press(" ")
	p.until(`document.querySelector("#repeat-toggle").textContent === "Start"`)
	if got := eval[string](p, `document.activeElement.id`); got != "repeat-toggle" {
		t.Errorf("after the calls the focus is on %q, want it where it was", got)
	}
	p.until(`document.querySelector("#status").textContent.includes("calls made")`)
}

// focusShows fails unless the focused element, or its label, has an outline.
func (p *tab) focusShows() {
	p.t.Helper()
	outline := eval[float64](p, `(() => {
		const e = document.activeElement;
		const drawn = e.type === "radio" ? e.nextElementSibling : e;
		const style = getComputedStyle(drawn);
		return style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
	})()`)
	if outline < 2 {
		p.t.Errorf("the focus on %s has an outline of %v px, want at least 2", eval[string](p, "document.activeElement.outerHTML"), outline)
	}
}

// TestPrefix serves the page under a path, as the ingress does.
func TestPrefix(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	target, err := url.Parse(c.front.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := http.StripPrefix("/demo-app", httputil.NewSingleHostReverseProxy(target))
	ingress := httptest.NewServer(proxy)
	t.Cleanup(ingress.Close)
	p := open(t, ingress.URL)
	p.visit(ingress.URL + "/demo-app/")
	for i, button := range []string{"slow-page", "fast-page", "hops"} {
		p.click("button[value=" + button + "]")
		p.calls(i + 1)
	}
	p.contains("#history-facts", "3 made, 0 failed")
	p.visit(ingress.URL + "/demo-app/fast-page")
	p.contains("main", "Hello Fast!")
	p.click("main a[href='./']")
	p.do(chromedp.WaitVisible(chromedp.ID("ask")))
	for _, path := range p.paths() {
		if !strings.HasPrefix(path, "/demo-app/") {
			t.Errorf("the page requested %s, outside of /demo-app/", path)
		}
	}
}

// TestRepeat spreads calls over three versions of front and checks how many are made at the same time.
func TestRepeat(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	var backends []*httputil.ReverseProxy
	for _, version := range []string{"amber", "blue", "green"} {
		target, err := url.Parse(startFront(t, version, c.middle.url).url)
		if err != nil {
			t.Fatal(err)
		}
		backends = append(backends, httputil.NewSingleHostReverseProxy(target))
	}
	var turn, flying, most atomic.Int64
	balancer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := flying.Add(1)
		defer flying.Add(-1)
		for before := most.Load(); now > before && !most.CompareAndSwap(before, now); before = most.Load() {
		}
		backends[turn.Add(1)%3].ServeHTTP(w, r)
	}))
	t.Cleanup(balancer.Close)
	p := open(t, balancer.URL)
	p.visit(balancer.URL + "/")
	eval[any](p, `(() => { const e = document.querySelector("#repeat").elements; e.times.value = "20"; e.rate.value = "20"; })()`)
	p.click("#repeat-toggle")
	p.calls(20)
	p.until(`document.querySelector("#repeat-toggle").textContent === "Start"`)
	counts := eval[[]int](p, `[...document.querySelectorAll("#shares .share:first-child .legend .count")].map((e) => Number(e.textContent))`)
	if len(counts) != 3 || counts[0]+counts[1]+counts[2] != 20 {
		t.Errorf("the shares of front are %v, want three that add up to 20", counts)
	}
	for _, n := range counts {
		if n < 6 || n > 7 { // the balancer is round robin
			t.Errorf("the shares of front are %v, want 6 or 7 each", counts)
		}
	}
	if most.Load() > 6 {
		t.Errorf("%d calls were in flight at the same time, want at most 6", most.Load())
	}
	p.shoot("front-shares")
}

// TestSlowInFlight: during a call the page shows which call it is and its duration, and the previous response does not look current.
func TestSlowInFlight(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	middle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow-endpoint" {
			<-release
		}
		fmt.Fprint(w, "here")
	}))
	t.Cleanup(middle.Close)
	front := startFront(t, "green", middle.URL)
	for _, width := range []int64{1280, 360} {
		p := open(t, front.url)
		p.size(width, 740)
		p.visit(front.url + "/")
		p.click("button[value=fast-page]")
		p.calls(1)
		p.contains("#last .row", "Call 1", "200 OK")
		p.click("button[value=slow-page]")
		p.until(`/^[1-9]/.test(document.querySelector("#last-facts").innerText)`) // a second has passed
		p.wants("#last-title", "Calling Slow page")
		if faded := eval[float64](p, `Number(getComputedStyle(document.querySelector("#last-route")).opacity)`); faded > 0.5 {
			t.Errorf("the call before has an opacity of %v, want at most 0.5", faded)
		}
		if dot := eval[bool](p, `document.querySelector("#last-calling").checkVisibility()`); !dot {
			t.Error("nothing moves")
		}
		p.shoot(fmt.Sprint("front-in-flight-", width))
		release <- struct{}{}
		p.calls(2)
		p.until(`document.querySelector("#last-title").innerText === "Call 2"`)
		if dot := eval[bool](p, `document.querySelector("#last-calling").checkVisibility()`); dot {
			t.Error("it continues to move")
		}
	}
}

// TestOutage makes middle fail half of the time: the shares show it, and do not give everything to the version that still responds.
func TestOutage(t *testing.T) {
	t.Parallel()
	var turn atomic.Int64
	middle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if turn.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable) // as the mesh: without the name of a service
			return
		}
		w.Header().Set("Server-Timing", `middle;desc="canary";dur=1, core;desc="prod";dur=1`)
		fmt.Fprint(w, "here")
	}))
	t.Cleanup(middle.Close)
	front := startFront(t, "green", middle.URL)
	p := open(t, front.url)
	p.visit(front.url + "/")
	eval[any](p, `(() => { const e = document.querySelector("#repeat").elements; e.what.value = "slow-page"; e.times.value = "100"; e.rate.value = "20"; })()`)
	p.click("#repeat-toggle")
	p.until(`document.querySelector("#repeat-toggle").textContent === "Start" && document.querySelector("#history-facts").innerText.startsWith("100 made")`)
	p.contains("#shares .share:nth-child(1)", "front 100 responses", "green 100 %")
	p.contains("#shares .share:nth-child(2)", "middle 50 responses, 50 failed", "canary 50 % 50", "no response 50 % 50")
	p.contains("#shares .share:nth-child(3)", "core 50 responses", "prod 100 %")
	p.measure("outage")
	p.shoot("front-outage")

	// The list shows the newest calls, and more of them on request.
	rows := func() int { return eval[int](p, `document.querySelectorAll("#history tr").length`) }
	if n := rows(); n != 20 {
		t.Errorf("the list has %d rows, want the newest 20", n)
	}
	p.click("#more")
	if n := rows(); n != 80 {
		t.Errorf("after Show more the list has %d rows, want 80", n)
	}
	p.click("#more")
	if got := eval[[]int](p, `[...document.querySelectorAll("#history tr")].map((row) => Number(row.dataset.number))`); len(got) != 100 || got[0] != 100 || got[99] != 1 {
		t.Errorf("all calls are listed as %v, want 100 down to 1", got)
	}
	if eval[bool](p, `document.querySelector("#more").checkVisibility()`) {
		t.Error("Show more is offered although all calls are listed")
	}
}
