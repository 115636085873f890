package fidelity

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

// shippedEffects are further checks of the overlays whose effect depends on chance, on time or on other requests.
var shippedEffects = map[string]func(*testing.T, *bench){"fault": shippedFault, "timeout": shippedTimeout, "circuit": shippedCircuit}

// shippedFault: each of betaUser's requests to middle is delayed by half a second, and half of them are aborted.
func shippedFault(t *testing.T, b *bench) {
	caller(t, b, "front-amber")
	r := request{from: "front-amber", method: "GET", authority: "middle", path: "/hops"}.with("x-dev-user", "betaUser")
	for engine, send := range b.engines() {
		counts := map[string]int{}
		for _, o := range b.sample(rounds, 200, r, send) {
			if o.took < 490*time.Millisecond { // Envoy's timers are inexact by a millisecond or two
				t.Fatalf("%s: %d after %v, wanted at least half a second", engine, o.status, o.took)
			}
			counts[summary(o)]++
		}
		want := map[string]float64{"200 echo": .5, "503 fault filter abort": .5}
		if x := chiSquare(counts, want); x > quantiles[1] {
			t.Errorf("%s: %v of %d, wanted %v: χ² %.1f, bound %.1f", engine, counts, rounds, want, x, quantiles[1])
		}
	}
}

// shippedTimeout: a response of core that takes longer than a second is not awaited.
func shippedTimeout(t *testing.T, b *bench) {
	caller(t, b, "middle-prod")
	for _, user := range []string{"", "betaUser"} {
		r := request{from: "middle-prod", method: "GET", authority: "core", path: "/slow-endpoint"}.with("x-dev-user", user)
		for _, d := range b.compare([]request{r.with(delayHeader, "0.5s"), r.with(delayHeader, "3s")}) {
			t.Errorf("%s\n  %s", d.curl(), strings.Join(d.differ, "\n  "))
		}
		for engine, send := range b.engines() {
			if got := summary(b.exchange(r.with(delayHeader, "3s"), send)); got != "504 upstream request timeout" {
				t.Errorf("%s: %s, wanted 504 upstream request timeout", engine, got)
			}
		}
	}
}

// shippedCircuit: of ten requests at a time to minimal, one has the connection, one waits for it, and the others are rejected.
func shippedCircuit(t *testing.T, b *bench) {
	caller(t, b, "bounced")
	for _, r := range []request{
		{from: ingress, method: "GET", authority: "minimal.svc.kind.org", path: "/"}, {from: "bounced", method: "GET", authority: "minimal:9090", path: "/"},
	} {
		for engine, send := range b.engines() {
			if got := summary(b.exchange(r, send)); got != "200 echo" { // opens the connection
				t.Errorf("%s, from %s: %s, wanted 200 echo", engine, r.from, got)
			}
			counts := map[string]int{}
			for _, o := range b.sample(10, 10, r.with(delayHeader, "1s"), send) {
				counts[summary(o)+o.header.Get("x-envoy-overloaded")]++
			}
			want := map[string]int{"200 echo": 2, "503 upstream connect error or disconnect/reset before headers. reset reason: overflowtrue": 8}
			if !maps.Equal(counts, want) {
				t.Errorf("%s, from %s: %v, wanted %v", engine, r.from, counts, want)
			}
		}
	}
}

func caller(t *testing.T, b *bench, workload string) {
	t.Helper()
	if err := b.from(workload); err != nil {
		t.Fatal(err)
	}
}

// summary returns the status and the body of a response, without the number of tries in the echo's.
func summary(o outcome) string {
	if strings.HasPrefix(o.body, "echo ") {
		o.body = "echo"
	}
	return fmt.Sprint(o.status, " ", o.body)
}
