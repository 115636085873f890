package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestInjected requests a failure.
func TestInjected(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	p := open(t, c.front.url)
	p.visit(c.front.url + "/")
	p.click(`label:has(input[name=fail][value="1"])`)
	p.click("button[value=hops]")
	p.calls(1)
	p.contains("#last-trouble", "500 Internal Server Error", "Injected on purpose, by front: error.")
	p.contains("#history tr", "500", "fail 1")
	p.contains("#history-facts", "1 made, 1 failed")
	p.shoot("front-injected")
}

// TestUpstreamDown kills core, so that middle's calls fail.
func TestUpstreamDown(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	c.core.kill()
	p := open(t, c.front.url)
	p.visit(c.front.url + "/")
	for i, button := range []string{"slow-page", "hops"} {
		p.click("button[value=" + button + "]")
		p.calls(i + 1)
		p.contains("#last-trouble", "502 Bad Gateway", c.core.url, "connection refused")
		p.contains("#last-route", "front amber", "middle canary", "502")
	}
	p.shoot("front-upstream-down")
}

// TestFrontGone kills the front itself while the page is open.
func TestFrontGone(t *testing.T) {
	t.Parallel()
	c := startChain(t)
	p := open(t, c.front.url)
	p.visit(c.front.url + "/")
	c.front.kill()
	p.click("button[value=hops]")
	p.calls(1)
	p.contains("#last-trouble", "No response", "no hop can be named")
	p.contains("#history tr", "no response")
	p.shoot("front-gone")
}

// TestGarbage sends unexpected responses.
func TestGarbage(t *testing.T) {
	t.Parallel()
	middle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"hops": 7`)
	}))
	t.Cleanup(middle.Close)
	front := startFront(t, "green", middle.URL)
	p := open(t, front.url)
	p.visit(front.url + "/")
	p.click("button[value=hops]")
	p.calls(1)
	p.contains("#last-trouble", "not a list of hops", `{"hops": 7`)
	p.contains("#history-facts", "1 made, 1 failed")
}

// TestEscaped: an upstream sends markup and script in every text that the page shows.
func TestEscaped(t *testing.T) {
	t.Parallel()
	const evil = `<img src=x onerror="document.title='evil'"><script>document.title='evil'</script>`
	middle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server-Timing", `middle;desc="<b>evil</b>";dur=1`)
		w.Header().Set("X-Fault-Injected", "<i>evil</i> error")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, evil)
	}))
	t.Cleanup(middle.Close)
	front := startFront(t, "green", middle.URL)
	p := open(t, front.url)
	p.visit(front.url + "/")
	p.click("button[value=slow-page]")
	p.calls(1)
	p.contains("#last-trouble", evil, "<i>evil</i>")
	p.contains("#last-route", "<b>evil</b>")
	p.visit(front.url + "/slow-page")
	p.contains("main", "500 Internal Server Error", evil)
	if made := eval[int](p, `document.querySelectorAll("main img, main script, main i").length`); made > 0 {
		t.Errorf("%d elements were created from the upstream's text", made)
	}
	if title := eval[string](p, "document.title"); title != "Slow page · Hopline" {
		t.Errorf("the title is %q: a script of the upstream's ran", title)
	}
}
