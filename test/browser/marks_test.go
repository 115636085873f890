package browser

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestGraphMarks sends requests with the overlays that retry, inject faults, mirror and deny: the edge concerned has its sign, with the count, at its end.
func TestGraphMarks(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	p := consoleOf(t, l)
	p.size(1440, 900)
	for _, one := range []struct {
		overlay string
		send    func()
		signs   []sign
	}{
		{"retry", func() { l.call(10, "../", "Host", "bounced.svc.kind.org") }, []sign{{"istio-ingressgateway to bounced prod", "↻", " tries of 10 requests"}}},
		{"mirror", func() { l.call(7, "hops") }, []sign{{"front to middle dev", "⇉", "7 mirrored copies"}}},
		{"denied", func() { l.call(3, "slow-page") }, []sign{{"middle to core prod", "403", "3 denied"}}},
		{"fault", l.testers, []sign{{"front to middle dev", "⚡", " injected fault"}, {"front to the mesh itself", "⚡", " injected fault"}}},
	} {
		p.switchTo(one.overlay)
		one.send()
		for _, sign := range one.signs {
			p.hasSign(one.overlay, sign)
		}
		p.measure(one.overlay)
		p.shoot("marks-" + one.overlay)
	}
}

// sign is what an edge of the graph shows: the sign itself, and the words of its name.
type sign struct{ edge, sign, words string }

// testers sends 24 requests of a tester at the same time. The overlay fault delays each and aborts half of them: that all or none are aborted
// happens once in eight million runs.
func (l *lab) testers() {
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() { l.call(1, "hops", "x-dev-user", "betaUser") })
	}
	all.Wait()
}

// switchTo switches the lab to another overlay as a temporary change.
func (p *tab) switchTo(overlay string) {
	p.t.Helper()
	status := eval[int](p, fmt.Sprintf(`fetch("/api/changes", { method: "POST", headers: { "X-Hopline-Token": document.querySelector("meta[name=hopline-token]").content },
		body: JSON.stringify({ kind: "overlay", overlay: %q }) }).then((response) => response.status)`, overlay), chromedp.EvalAwaitPromise)
	if status != 200 {
		p.t.Fatalf("the switch to %s has the status %d, want 200", overlay, status)
	}
	p.barSays("overlay", overlay)
}

// hasSign waits until an edge has a sign, and checks that the sign is on the line, near its end, over no label, and in the name of the edge.
func (p *tab) hasSign(overlay string, want sign) {
	p.t.Helper()
	p.until(edgeSays(want.edge, want.words))
	found := eval[string](p, fmt.Sprintf(`(() => {
		const group = [...document.querySelectorAll("#graph .edge .part")].find((edge) => edge.ariaLabel.startsWith(%q)).parentNode;
		const sign = [...group.querySelectorAll(".sign")].find((one) => one.querySelector("text").textContent.startsWith(%q));
		if (!sign?.checkVisibility()) return "no such sign";
		if (!(parseInt(sign.querySelector("text").textContent.slice(%q.length)) > 0)) return "a sign without a count";
		const box = sign.getBoundingClientRect();
		const end = (group.querySelector(".head") ?? group.querySelector(".pill")).getBoundingClientRect();
		for (const label of group.querySelectorAll(".label")) {
			const text = label.getBoundingClientRect();
			if (label.textContent && text.left < box.right && text.right > box.left && text.top + 1 < box.bottom && text.bottom - 1 > box.top) return "a sign over the label " + label.textContent;
		}
		const off = Math.abs(box.top + box.height / 2 - end.top - end.height / 2);
		return off < 4 && box.right < end.right + 25 && box.left > end.right - 150 ? "" : "a sign at " + JSON.stringify(box) + ", away from the end " + JSON.stringify(end);
	})()`, want.edge, want.sign, want.sign))
	if found != "" {
		p.t.Errorf("%s: the edge %s has %s, want %s at its end", overlay, strings.TrimSpace(want.edge), found, want.sign)
	}
}
