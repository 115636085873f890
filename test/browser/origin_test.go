package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestOtherOrigins opens a page of another origin that sends spans to the collector, as any page on the web could: they are rejected.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<!doctype html><title>elsewhere</title>")
	}))
	t.Cleanup(elsewhere.Close)
	// By address and by name: for the browser 127.0.0.1 and localhost are two sites, and two ports of localhost are one site.
	for site, page := range map[string]string{"another-site": elsewhere.URL, "the-same-site": strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)} {
		p := openAnyOrigin(t)
		p.visit(page)
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded"} {
			send := fmt.Sprintf(`fetch(%q, {method: "POST", mode: "no-cors", headers: {"Content-Type": %q}, body: JSON.stringify(
				[{traceId: "c5f", id: "c5f", name: "csrf", timestamp: 1000 * Date.now(), localEndpoint: {serviceName: %q}}])}).then(() => "sent")`, l.zipkin+"api/v2/spans", kind, site)
			if sent := eval[string](p, send, chromedp.EvalAwaitPromise); sent != "sent" {
				t.Errorf("%s: the browser says %q", site, sent)
			}
		}
	}
	// The spans that a program sends afterwards arrive, and none of the earlier ones.
	l.report(`[{"traceId":"c60","id":"c60","name":"a","timestamp":1700000000000000,"localEndpoint":{"serviceName":"a-program"}}]`)
	resp, err := http.Get(l.zipkin + "api/v2/services")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	services, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(services); strings.Contains(text, "site") || !strings.Contains(text, "a-program") {
		t.Errorf("the services are %s, want a-program and none that a page of another origin sent", text)
	}
}

// openAnyOrigin opens a tab that may send requests to other origins.
func openAnyOrigin(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	return &tab{t: t, ctx: ctx}
}
