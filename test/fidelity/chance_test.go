package fidelity

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// rounds is the number of requests for each share, on each engine.
const rounds = 2000

// quantiles of χ² at 1-10⁻⁶, by degrees of freedom.
var quantiles = []float64{0, 23.93, 27.63, 30.66}

// chanceRules returns the rules whose effect is a share, or a state that depends on earlier requests.
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
    - {match: [{uri: {prefix: /delay}}], fault: {delay: {fixedDelay: 2s, percentage: {value: 30}}}, route: [{destination: {host: svc2}}]}
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
spec: {host: svc5, trafficPolicy: {outlierDetection: {consecutive5xxErrors: 3, interval: 0.5s, baseEjectionTime: 6s, maxEjectionPercent: 50}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc6, namespace: app}
spec:
  host: svc6
  subsets:
    - {name: pending, labels: {version: v1}, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}}}}
    - {name: requests, labels: {version: v1}, trafficPolicy: {connectionPool: {http: {http2MaxRequests: 3}}}}
    - {name: retries, labels: {version: v1}, trafficPolicy: {connectionPool: {http: {maxRetries: 1}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc6, namespace: app}
spec:
  hosts: [svc6]
  http:
    - {match: [{uri: {prefix: /pending}}], retries: {attempts: 0}, route: [{destination: {host: svc6, subset: pending}}]}
    - {match: [{uri: {prefix: /requests}}], retries: {attempts: 0}, route: [{destination: {host: svc6, subset: requests}}]}
    - {match: [{uri: {prefix: /retries}}], retries: {attempts: 1, retryOn: 5xx}, route: [{destination: {host: svc6, subset: retries}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc7, namespace: app}
spec:
  hosts: [svc7]
  http:
    - {match: [{uri: {prefix: /short}}], retries: {attempts: 2, retryOn: 5xx, backoff: 0.001s}, route: [{destination: {host: svc7}}]}
    - {match: [{uri: {prefix: /long}}], retries: {attempts: 2, retryOn: 5xx, backoff: 0.4s}, route: [{destination: {host: svc7}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc8, namespace: app}
spec:
  hosts: [svc8]
  http: [{route: [{destination: {host: svc3}, weight: 50}, {destination: {host: svc4}, weight: 50}]}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc9, namespace: app}
spec: {host: svc9, trafficPolicy: {portLevelSettings: [{port: {number: 80}, loadBalancer: {consistentHash: {httpHeaderName: x-user}}}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc9, namespace: app}
spec:
  hosts: [svc9]
  http:
    - {match: [{uri: {prefix: /port}}], route: [{destination: {host: svc9, port: {number: 80}}}]}
    - {route: [{destination: {host: svc9}}]}
`), documents(subsets("svc0")+"---"+subsets("svc1"))...)
}

// ring returns a host with the given endpoints, chosen by a header's hash.
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

// engines returns both engines, by name.
func (b *bench) engines() map[string]func(request) answer {
	return map[string]func(request) answer{"Istio": b.istio.send, "the lab": b.lab.send}
}

// sample sends a request n times, some of them in parallel, and collects the outcome of each after all copies have arrived.
func (b *bench) sample(n, some int, r request, send func(request) answer) []outcome {
	out, ids := make([]outcome, n), make([]string, n)
	atOnce(n, some, func(i int) {
		ids[i] = fmt.Sprintf("r%d", lastID.Add(1))
		out[i].answer = send(r.with(idHeader, ids[i]))
	})
	b.upstreams.settle(ids)
	for i, id := range ids {
		out[i].arrivals = b.upstreams.take(id)
	}
	return out
}

// settle waits until nothing has arrived under these ids for a while.
func (u *upstreams) settle(ids []string) {
	count := func() (n int) {
		u.mu.Lock()
		defer u.mu.Unlock()
		for _, id := range ids {
			n += len(u.arrivals[id])
		}
		return n
	}
	for last, end := -1, time.Now().Add(5*time.Second); last != count() && time.Now().Before(end); {
		last = count()
		time.Sleep(200 * time.Millisecond)
	}
}

func get(to string, headers ...header) request {
	authority, path, _ := strings.Cut(to, "/")
	return request{from: client, method: "GET", authority: authority, path: "/" + path, header: headers}
}

// TestChance checks what no single request shows. Each test has its own Services, so many run in parallel: first those with many requests,
// then those that measure time.
func TestChance(t *testing.T) {
	b, err := newBench(standardWorld(), *envoyBinary)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if err := b.apply(append(chanceRules(), ring("127.9.0.4", "127.9.0.5", "127.9.0.6", "127.9.0.7")...)); err != nil {
		t.Fatal(err)
	}
	if err := b.from(client); err != nil {
		t.Fatal(err)
	}
	tests := func(all map[string]func(*testing.T)) func(*testing.T) {
		return func(t *testing.T) {
			for name, test := range all {
				t.Run(name, func(t *testing.T) { t.Parallel(); test(t) })
			}
		}
	}
	t.Run("many requests", tests(map[string]func(*testing.T){"shares": b.shares, "delays": b.delays, "sticky cookie": b.stickyCookie,
		"several keys": b.severalKeys, "key of a port": b.keyOfAPort}))
	t.Run("few requests", tests(map[string]func(*testing.T){"outlier": b.outlier, "overflow": b.overflow, "backoff": b.backoff}))
	t.Run("consistent hash", b.consistentHash) // it changes the rules at the end
}

// shares compares weights and percentages of each engine with those of the rules.
func (b *bench) shares(t *testing.T) {
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
			for _, o := range b.sample(rounds, 8, c.r, send) {
				counts[c.kind(o)]++
			}
			if x, limit := chiSquare(counts, c.shares), quantiles[len(c.shares)-1]; x > limit {
				t.Errorf("%s, %s: %v of %d, wanted %v: χ² %.1f, bound %.1f", name, engine, counts, rounds, c.shares, x, limit)
			}
		}
	}
}

// delays: only the time shows a delay, and two seconds are longer than anything else takes. A corner case checks the exact duration.
func (b *bench) delays(t *testing.T) {
	for engine, send := range b.engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			counts := map[string]int{}
			for _, o := range b.sample(rounds, 200, get("svc2/delay"), send) {
				if o.took >= 1500*time.Millisecond {
					counts["slow"]++
				} else {
					counts["quick"]++
				}
			}
			if x := chiSquare(counts, map[string]float64{"slow": .3, "quick": .7}); x > quantiles[1] {
				t.Errorf("%s: %v of %d, wanted 30 %% delayed: χ² %.1f, bound %.1f", engine, counts, rounds, x, quantiles[1])
			}
		})
	}
}

func chiSquare(counts map[string]int, shares map[string]float64) float64 {
	n, x := 0, 0.
	for kind, count := range counts {
		if n += count; shares[kind] == 0 {
			return 1e9 // which must never happen
		}
	}
	for kind, share := range shares {
		d := float64(counts[kind]) - share*float64(n)
		x += d * d / (share * float64(n))
	}
	return x
}

// homes returns the workload for each of that many users, and fails if a user does not always get the same one.
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

// consistentHash: a key keeps its endpoint, keys are spread, and few of them move when another endpoint is removed.
func (b *bench) consistentHash(t *testing.T) {
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
			case was != "svc1-v2": // which pod was removed
				moved++
			}
		}
		if moved > 6 || stayed < 20 {
			t.Errorf("%s: of the users of the other endpoints %d moved and %d stayed", engine, moved, stayed)
		}
	}
}

// stickyCookie: a caller without the cookie gets one, and with it the same endpoint from then on.
func (b *bench) stickyCookie(t *testing.T) {
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

// outlier: an endpoint that fails three times in a row is ejected, and returns after the ejection time.
func (b *bench) outlier(t *testing.T) {
	for engine, send := range b.engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			sick := get("svc5/", header{sickHeader, "svc5-v2"})
			row, failed, begin := 0, 0, time.Now()
			for range 300 { // until twenty in a row succeed, which takes less than the six seconds
				if o := b.exchange(sick, send); o.status == http.StatusServiceUnavailable {
					failed++
					row = 0
				} else if row++; row == 20 {
					break
				}
			}
			if row < 20 || failed < 3 || failed > 12 {
				t.Errorf("%s: %d requests failed before twenty in a row went well: %v", engine, failed, row == 20)
			}
			back := false
			for end := time.Now().Add(15 * time.Second); !back && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				o := b.exchange(get("svc5/"), send)
				back = len(o.arrivals) > 0 && o.arrivals[0].workload == "svc5-v2"
			}
			if away := time.Since(begin); !back || away < 6*time.Second {
				t.Errorf("%s: the endpoint that was ejected for 6 s is back after %v: %v", engine, away, back)
			}
		})
	}
}

// overflow: nine of ten requests arrive while one is in progress. Those that exceed the limits on connections, requests or retries are
// rejected.
func (b *bench) overflow(t *testing.T) {
	const full = "503 true upstream connect error or disconnect/reset before headers. reset reason: overflow"
	cases := []struct {
		r     request
		tries int // of the first request, after which the others are sent
		want  map[string]int
	}{
		{get("svc6/pending", header{delayHeader, "2s"}), 1, map[string]int{"200": 2, full: 8}}, // one has the connection, one is pending
		{get("svc6/requests", header{delayHeader, "2s"}), 1, map[string]int{"200": 3, full: 7}},
		{get("svc6/retries", header{statusHeader, "503,200"}, header{delayHeader, "0s,2s"}), 2, map[string]int{"200": 1, "503": 9}},
	}
	for engine, send := range b.engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			atOnce(len(cases), len(cases), func(i int) {
				first := make(chan answer)
				id := fmt.Sprintf("r%d", lastID.Add(1))
				go func() { first <- send(cases[i].r.with(idHeader, id)) }()
				b.upstreams.await(t, id, cases[i].tries)
				counts := map[string]int{}
				for _, o := range append(b.sample(9, 9, cases[i].r, send), outcome{answer: <-first}) {
					if strings.HasPrefix(o.body, "echo ") {
						o.body = ""
					}
					counts[strings.TrimSpace(fmt.Sprintf("%d %s %s", o.status, o.header.Get("x-envoy-overloaded"), o.body))]++
				}
				if !maps.Equal(counts, cases[i].want) {
					t.Errorf("%s, %s: got %v, wanted %v", engine, cases[i].r.path, counts, cases[i].want)
				}
			})
		})
	}
}

// await waits until that many tries of a request have arrived.
func (u *upstreams) await(t *testing.T, id string, tries int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		u.mu.Lock()
		n := len(u.arrivals[id])
		u.mu.Unlock()
		if n >= tries {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%d tries have arrived, wanted %d", n, tries)
			return
		}
	}
}

// backoff: the time before a try is random, below a limit that starts with the base interval and doubles.
// (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#x-envoy-max-retries)
func (b *bench) backoff(t *testing.T) {
	const n, base = 64, 400 * time.Millisecond
	for engine, send := range b.engines() {
		var short, out []outcome // at the same time: the short ones show how long everything else takes on this machine
		var group sync.WaitGroup
		group.Go(func() { short = b.sample(n, n, get("svc7/short", header{statusHeader, "503"}), send) })
		group.Go(func() { out = b.sample(n, n, get("svc7/long", header{statusHeader, "503"}), send) })
		group.Wait()
		idle := slices.Max(waits(t, short, 1))
		for try, bound := range []time.Duration{base, 2 * base} {
			all := waits(t, out, try+1)
			sum, beyond := time.Duration(0), 0
			for _, w := range all {
				sum += w
				if w > bound+idle {
					beyond++
				}
			}
			// the mean of n such times has a normal distribution with a deviation of bound/√12/√n; the limit is five deviations. A short
			// pause of the machine may delay a few.
			mean, spread := sum/n, time.Duration(5*float64(bound)/math.Sqrt(12*n))
			if beyond > n/8 || mean < bound/2-spread || mean > bound/2+spread+idle {
				t.Errorf("%s: before try %d it waited %v in the mean and %d of %d times longer than %v, wanted %v ± %v, and up to %v for the try",
					engine, try+2, mean, beyond, n, bound, bound/2, spread, idle)
			}
		}
	}
}

// waits returns the times between a try and the next one, of every request.
func waits(t *testing.T, out []outcome, try int) (all []time.Duration) {
	t.Helper()
	for _, o := range out {
		if len(o.arrivals) != 3 {
			t.Fatalf("%d tries, wanted 3", len(o.arrivals))
		}
		all = append(all, o.arrivals[try].at.Sub(o.arrivals[try-1].at))
	}
	return all
}

// severalKeys: where destinations have different hash keys, the hash is of all those that the request has, whatever its destination.
func (b *bench) severalKeys(t *testing.T) {
	for engine, send := range b.engines() {
		met := map[string]bool{} // by one user with many cookies
		for i := range 12 {
			sticky := map[string]string{}
			for range 12 {
				o := b.exchange(get("svc8/", header{"x-user", "one"}, header{"cookie", fmt.Sprintf("sticky=%d", i)}), send)
				if len(o.arrivals) != 1 {
					t.Fatalf("%s: %d %s", engine, o.status, o.body)
				}
				a := o.arrivals[0]
				if was := sticky[a.app()]; was != "" && was != a.workload {
					t.Errorf("%s: one user with one cookie went to %s, then to %s", engine, was, a.workload)
				}
				sticky[a.app()] = a.workload
				met[a.workload] = true
			}
		}
		if len(met) != 4 {
			t.Errorf("%s: one user with twelve cookies met %v, wanted both versions of both", engine, slices.Sorted(maps.Keys(met)))
		}
		for range 20 {
			if o := b.exchange(get("svc8/", header{"x-user", "one"}), send); o.header.Get("set-cookie") == "" {
				t.Errorf("%s: no cookie was made on the way to %v", engine, o.arrivals)
			}
		}
	}
}

// keyOfAPort: settings for a port make a cluster use a hash, and the route has the key only where it names the port.
func (b *bench) keyOfAPort(t *testing.T) {
	for engine, send := range b.engines() {
		homes(t, b, engine, "svc9/port", send, 10)
		met := map[string]bool{}
		for range 30 {
			o := b.exchange(get("svc9/", header{"x-user", "one"}), send)
			o.met(met)
		}
		if len(met) != 2 {
			t.Errorf("%s: a destination without a port kept to %v, wanted both versions", engine, met)
		}
	}
}
