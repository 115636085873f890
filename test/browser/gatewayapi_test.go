package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestGatewayAPI runs the overlay gateway-api: the page shows the status of its objects, and changes the rules of its HTTPRoutes.
func TestGatewayAPI(t *testing.T) {
	t.Parallel()
	l := runLab(t, "", filepath.Join(copyDeploy(t), "overlays", "gateway-api"))
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	p.until(`!document.querySelector("#conditions-card").hidden`)
	p.wants("#conditions-facts", "all conditions are true")
	p.contains("#conditions", "Gateway istio-system/hopline", "HTTPRoute hopline/middle at Service hopline/middle", "HTTPRoute hopline/front at Gateway istio-system/hopline")
	if bad := eval[int](p, `document.querySelectorAll("#conditions .bad").length`); bad != 0 {
		t.Errorf("%d conditions are marked, want none", bad)
	}
	p.until(ruleSays("HTTPRoute hopline/middle", "configured: middle prod 80 %, middle canary 20 %"))
	p.until(ruleSays("HTTPRoute hopline/middle", "all other requests none yet")) // although it is written first

	p.openControls("Change rule everybody of HTTPRoute hopline/middle")
	p.contains("#drawer", "middle-prod", "An HTTPRoute has no field for faults")
	p.dragFrom80To30()
	p.until(`(() => { const [a, b] = [...document.querySelectorAll("#drawer input[type=range]")].map((slider) => slider.value); return document.querySelector("#changes-list").innerText.includes("middle-prod " + a + ", middle-canary " + b); })()`)
	l.routeSharesFollow(p)

	p.enter("request", "2s")
	p.enter("backendRequest", "1s")
	p.press(kb.Enter)
	p.enter("attempts", "3")
	p.enter("codes", "502, 503")
	p.press(kb.Enter)
	p.enter("service", "middle-dve")
	p.press(kb.Enter)
	p.until(`[...document.querySelectorAll("#drawer .drive-trouble:not([hidden])")].some((line) => line.innerText.includes("did you mean middle-dev?"))`)
	p.enter("service", "middle-dev")
	p.press(kb.Enter)
	p.barSays("timeout 2s, of each try 1s", "3 retries on 502 503", "mirrors to middle-dev")
	p.copies("middle everybody timeout 2s, of each try 1s", "target: {kind: HTTPRoute, namespace: hopline, name: middle}")
	const last = "        - {name: middle-canary, port: 80, weight: 20}\n"
	l.keeps(p, "middle everybody timeout 2s, of each try 1s", last, last+"      timeouts: {backendRequest: 1s, request: 2s}\n")
	p.gatewayAPILook()
	p.click("#changes-all")
	p.barSays()
}

// routeSharesFollow calls the page and checks that the versions of middle respond by the dragged weights, by a χ² test.
func (l *lab) routeSharesFollow(p *tab) {
	l.t.Helper()
	counts := func() []float64 {
		return eval[[]float64](p, `fetch("/api/state").then((r) => r.json()).then((s) => s.rules.find((r) => r.object === "HTTPRoute hopline/middle" && r.name === "everybody")).then((rule) => ["prod", "canary"].map((version) => rule.parts.find((part) => part.version === version)?.requests ?? 0))`, chromedp.EvalAwaitPromise)
	}
	weights := eval[[]float64](p, `fetch("/api/rule?object=hopline/middle&rule=everybody").then((r) => r.json()).then((rule) => rule.route.backendRefs.map((one) => one.weight))`, chromedp.EvalAwaitPromise)
	before := counts()
	l.call(400, "hops")
	square, total := 0.0, 0.0
	for i, now := range counts() {
		seen, want := now-before[i], 400*weights[i]/100
		square, total = square+(seen-want)*(seen-want)/want, total+seen
	}
	if total != 400 || square > maxChiSquare {
		l.t.Errorf("of %v requests the versions responded to %v (χ² %.1f), want shares of %v", total, counts(), square, weights)
	}
}

// gatewayAPILook shows the page and the drawer of a rule light and dark, wide and narrow.
func (p *tab) gatewayAPILook() {
	p.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 360} {
			p.scheme(scheme)
			p.size(width, 900)
			p.until(fmt.Sprintf(`innerWidth === %d`, width))
			p.calm()
			p.measure("gateway-api")
			p.shoot(fmt.Sprint("gateway-api-", scheme, "-", width))
		}
	}
	p.openControls("Change rule everybody of HTTPRoute hopline/middle")
	p.onlyDrawer(true) // which covers the page at this width
	p.measure("drive-route")
	p.shoot("drive-route-360")
	p.onlyDrawer(false)
	p.press(kb.Escape)
	p.until(`document.querySelector("#drawer").hidden`)
	p.size(1440, 900)
}

// TestConditionsThatAreNotTrue: a condition that is not true is marked, with its reason, its message and the field.
func TestConditionsThatAreNotTrue(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "rules.yaml")
	const rules = `apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec: {selector: {app: a}, ports: [{name: http, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a, namespace: shop}
spec:
  parentRefs: [{name: web, namespace: istio-system}, {group: "", kind: Service, name: a}]
  rules: [{backendRefs: [{name: a, port: 80}, {kind: Bucket, name: b, port: 80}]}]
`
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	l := runLab(t, "", file, "--stand-in")
	p := open(t, strings.TrimSuffix(l.console, "/"))
	p.visit(l.console)
	p.until(`document.querySelectorAll("#conditions .bad").length > 0`)
	p.contains("#conditions-facts", "not true")
	p.contains("#conditions li:first-child", "HTTPRoute shop/a at", "Accepted", "ResolvedRefs is False", "InvalidKind", "want a Service or a Hostname", "spec.rules[0].backendRefs[1].kind")
	for _, width := range []int64{1440, 360} {
		p.size(width, 900)
		p.until(fmt.Sprintf(`innerWidth === %d`, width))
		p.measure("conditions")
		p.shoot(fmt.Sprint("conditions-", width))
	}
}
