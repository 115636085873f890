package fidelity

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// rounds is how many requests every share is measured by, on each engine.
const rounds = 2000

// quantiles of χ² at 1-10⁻⁶, by degrees of freedom.
var quantiles = []float64{0, 23.93, 27.63, 30.66}

// chanceRules are those whose effect is a share, or a state that requests bring about.
func chanceRules() []string {
	return append(documents(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc0, namespace: app}
spec: {hosts: [svc0], http: [{route: [{destination: {host: svc0, subset: v1}, weight: 80}, {destination: {host: svc0, subset: v2}, weight: 20}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc1, namespace: app}
spec: {hosts: [svc1], http: [{route: [{destination: {host: svc1, subset: v1}, weight: 1}, {destination: {host: svc1, subset: v2}, weight: 1}, {destination: {host: svc1, subset: v0}, weight: 1}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc2, namespace: app}
spec:
  hosts: [svc2]
  http:
    - {match: [{uri: {prefix: /abort}}], fault: {abort: {httpStatus: 555, percentage: {value: 15}}}, route: [{destination: {host: svc2}}]}
    - {match: [{uri: {prefix: /delay}}], fault: {delay: {fixedDelay: 0.06s, percentage: {value: 30}}}, route: [{destination: {host: svc2}}]}
    - {match: [{uri: {prefix: /mirror}}], mirror: {host: mirror}, mirrorPercentage: {value: 25}, route: [{destination: {host: svc2}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc3, namespace: app}
spec: {host: svc3, trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x-user}}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc4, namespace: app}
spec: {host: svc4, trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: sticky, path: /, ttl: 60s}}}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc5, namespace: app}
spec: {host: svc5, trafficPolicy: {outlierDetection: {consecutive5xxErrors: 3, interval: 0.5s, baseEjectionTime: 2s, maxEjectionPercent: 50}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc6, namespace: app}
spec:
  host: svc6
  trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}}}
  subsets: [{name: v1, labels: {version: v1}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc6, namespace: app}
spec: {hosts: [svc6], http: [{retries: {attempts: 0}, route: [{destination: {host: svc6, subset: v1}}]}]}
`), documents(subsets("svc0")+"---"+subsets("svc1"))...)
}

// ring is a host of some endpoints among which a header's hash chooses.
func ring(addresses ...string) []string {
	return documents(fmt.Sprintf(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ring, namespace: app}
spec:
  hosts: [ring.test]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  endpoints: [{address: %s}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ring, namespace: app}
spec: {host: ring.test, trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x-user}}}}
`, strings.Join(addresses, "}, {address: ")))
}

// engines are both, by name.
func (b *bench) engines() map[string]func(request) answer {
	return map[string]func(request) answer{"Istio": b.istio.send, "the lab": b.lab.send}
}

// sample sends a request many times, eight at a time, and gathers what came of each once all copies have arrived.
func (b *bench) sample(n int, r request, send func(request) answer) []outcome {
	out, ids := make([]outcome, n), make([]string, n)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < n; i += 8 {
				ids[i] = fmt.Sprintf("r%d", lastID.Add(1))
				out[i].answer = send(r.with(idHeader, ids[i]))
			}
		})
	}
	group.Wait()
	b.upstreams.settle()
	for i, id := range ids {
		out[i].arrivals = b.upstreams.take(id)
	}
	return out
}

// settle waits until nothing has arrived for a while.
func (u *upstreams) settle() {
	count := func() (n int) {
		u.mu.Lock()
		defer u.mu.Unlock()
		for _, a := range u.arrivals {
			n += len(a)
		}
		return n
	}
	for last, end := -1, time.Now().Add(5*time.Second); last != count() && time.Now().Before(end); {
		last = count()
		time.Sleep(200 * time.Millisecond)
	}
}

func chanceBench(t *testing.T, rules []string) *bench {
	t.Helper()
	b, err := newBench(standardWorld(), *envoyBinary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.close() })
	if err := b.apply(rules); err != nil {
		t.Fatal(err)
	}
	if err := b.from(client); err != nil {
		t.Fatal(err)
	}
	return b
}

func get(to string, headers ...header) request {
	authority, path, _ := strings.Cut(to, "/")
	return request{from: client, method: "GET", authority: authority, path: "/" + path, header: headers}
}

// TestShares: weights and percentages, each engine against what the rules ask for.
func TestShares(t *testing.T) {
	b := chanceBench(t, chanceRules())
	first := func(o outcome) string {
		if len(o.arrivals) == 0 {
			return fmt.Sprint(o.status)
		}
		return o.arrivals[0].workload
	}
	for name, c := range map[string]struct {
		r      request
		kind   func(outcome) string
		shares map[string]float64
	}{
		"80 and 20":                 {get("svc0/"), first, map[string]float64{"svc0-v1": .8, "svc0-v2": .2}},
		"thirds, one without a pod": {get("svc1/"), first, map[string]float64{"svc1-v1": 1. / 3, "svc1-v2": 1. / 3, "503": 1. / 3}},
		"abort 15 %":                {get("svc2/abort"), func(o outcome) string { return fmt.Sprint(o.status) }, map[string]float64{"555": .15, "200": .85}},
		"mirror 25 %":               {get("svc2/mirror"), func(o outcome) string { return fmt.Sprint(len(o.arrivals)) }, map[string]float64{"2": .25, "1": .75}},
	} {
		for engine, send := range b.engines() {
			counts := map[string]int{}
			for _, o := range b.sample(rounds, c.r, send) {
				counts[c.kind(o)]++
			}
			if x, limit := chiSquare(counts, c.shares), quantiles[len(c.shares)-1]; x > limit {
				t.Errorf("%s, %s: %v of %d, wanted %v: χ² %.1f, bound %.1f", name, engine, counts, rounds, c.shares, x, limit)
			}
		}
	}
}

// TestDelayShare: a delay is known by its time alone, so what is asked is that it is never shorter, and as frequent as it should be
// among those that could not be so slow otherwise.
func TestDelayShare(t *testing.T) {
	b := chanceBench(t, chanceRules())
	for engine, send := range b.engines() {
		delayed := 0
		for range 400 {
			if o := b.exchange(get("svc2/delay"), send); o.took >= 60*time.Millisecond {
				delayed++
			}
		}
		if x := chiSquare(map[string]int{"slow": delayed, "quick": 400 - delayed}, map[string]float64{"slow": .3, "quick": .7}); x > quantiles[1] {
			t.Errorf("%s delayed %d of 400, wanted 30 %%", engine, delayed)
		}
	}
}

func chiSquare(counts map[string]int, shares map[string]float64) float64 {
	n, x := 0, 0.
	for kind, count := range counts {
		if n += count; shares[kind] == 0 {
			return 1e9 // what must not happen at all
		}
	}
	for kind, share := range shares {
		d := float64(counts[kind]) - share*float64(n)
		x += d * d / (share * float64(n))
	}
	return x
}

// homes is the workload that each of so many users comes to, who must always come to the same.
func homes(t *testing.T, b *bench, engine, to string, send func(request) answer, users int) map[string]string {
	t.Helper()
	home := map[string]string{}
	for round := range 3 {
		for i := range users {
			user := fmt.Sprintf("user-%d", i)
			o := b.exchange(get(to, header{"x-user", user}), send)
			if len(o.arrivals) != 1 {
				t.Fatalf("%s: %d %s for %s", engine, o.status, o.body, user)
			}
			if at := o.arrivals[0].workload; round == 0 {
				home[user] = at
			} else if home[user] != at {
				t.Errorf("%s: %s went to %s, then to %s", engine, user, home[user], at)
			}
		}
	}
	return home
}

// TestConsistentHash: a key keeps its endpoint, keys are spread, and few of them move when another endpoint goes.
func TestConsistentHash(t *testing.T) {
	b := chanceBench(t, append(chanceRules(), ring("127.9.0.4", "127.9.0.5", "127.9.0.6", "127.9.0.7")...))
	before := map[string]map[string]string{}
	for engine, send := range b.engines() {
		if met := slices.Compact(slices.Sorted(maps.Values(homes(t, b, engine, "svc3/", send, 40)))); len(met) != 2 {
			t.Errorf("%s: forty users met %v, wanted both versions", engine, met)
		}
		before[engine] = homes(t, b, engine, "ring.test/", send, 60)
		if met := slices.Compact(slices.Sorted(maps.Values(before[engine]))); len(met) != 4 {
			t.Errorf("%s: sixty users met %v, wanted all four", engine, met)
		}
	}
	if err := b.apply(ring("127.9.0.4", "127.9.0.5", "127.9.0.6")); err != nil {
		t.Fatal(err)
	}
	for engine, send := range b.engines() {
		moved, stayed := 0, 0
		for user, at := range homes(t, b, engine, "ring.test/", send, 60) {
			switch was := before[engine][user]; {
			case was == at:
				stayed++
			case was != "svc1-v2": // whose pod it was that went
				moved++
			}
		}
		if moved > 6 || stayed < 20 {
			t.Errorf("%s: of the users of the other endpoints %d moved and %d stayed", engine, moved, stayed)
		}
	}
}

// TestStickyCookie: a caller without the cookie gets one, and with it the same endpoint from then on.
func TestStickyCookie(t *testing.T) {
	b := chanceBench(t, chanceRules())
	for engine, send := range b.engines() {
		for range 10 {
			first := b.exchange(get("svc4/"), send)
			cookies := (&http.Response{Header: first.header}).Cookies()
			if len(cookies) != 1 || cookies[0].Name != "sticky" || cookies[0].MaxAge != 60 || cookies[0].Path != "/" || len(first.arrivals) != 1 {
				t.Fatalf("%s: got the cookies %v, wanted sticky for a minute", engine, cookies)
			}
			for range 4 {
				next := b.exchange(get("svc4/", header{"cookie", "sticky=" + cookies[0].Value}), send)
				if len(next.arrivals) != 1 || next.arrivals[0].workload != first.arrivals[0].workload || next.header.Get("set-cookie") != "" {
					t.Errorf("%s: with the cookie of %s: %v, %q", engine, first.arrivals[0].workload, next.arrivals, next.header.Get("set-cookie"))
				}
			}
		}
	}
}

// TestOutlier: an endpoint that fails three times in a row goes, and comes back when its time is up.
func TestOutlier(t *testing.T) {
	b := chanceBench(t, chanceRules())
	for engine, send := range b.engines() {
		sick := get("svc5/", header{sickHeader, "svc5-v2"})
		row, failed := 0, 0
		for range 300 { // until thirty in a row are well
			if o := b.exchange(sick, send); o.status == http.StatusServiceUnavailable {
				failed++
				row = 0
			} else if row++; row == 30 {
				break
			}
		}
		if row < 30 || failed < 3 || failed > 12 {
			t.Errorf("%s: %d requests failed before thirty in a row went well: %v", engine, failed, row == 30)
		}
		back := false
		for end := time.Now().Add(15 * time.Second); !back && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			o := b.exchange(get("svc5/"), send)
			back = len(o.arrivals) > 0 && o.arrivals[0].workload == "svc5-v2"
		}
		if !back {
			t.Errorf("%s: the endpoint that was ejected for 2 s is not back after 15", engine)
		}
	}
}

// TestOverflow: with one connection and one place to wait, of ten requests at once eight are turned away.
func TestOverflow(t *testing.T) {
	b := chanceBench(t, chanceRules())
	for engine, send := range b.engines() {
		counts := map[string]int{}
		var mu sync.Mutex
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				a := send(get("svc6/", header{delayHeader, "1s"}))
				mu.Lock()
				defer mu.Unlock()
				if a.status == http.StatusOK {
					a.body = "" // echo 1, echo 2: there is no id that would tell the requests apart
				}
				counts[strings.TrimSpace(fmt.Sprintf("%d %s %s", a.status, a.header.Get("x-envoy-overloaded"), a.body))]++
			})
		}
		group.Wait()
		want := map[string]int{"200": 2, "503 true upstream connect error or disconnect/reset before headers. reset reason: overflow": 8}
		if !maps.Equal(counts, want) {
			t.Errorf("%s: got %v, wanted %v", engine, counts, want)
		}
	}
}
