package proxy

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// within fails unless a count out of n fits a probability: a deviation that α = 10⁻⁶ would show by chance is 4.9 standard deviations.
func within(t testing.TB, what string, count, n int, p float64) {
	t.Helper()
	if sigma := math.Sqrt(float64(n) * p * (1 - p)); math.Abs(float64(count)-float64(n)*p) > 4.9*sigma+1 {
		t.Errorf("%s: %d of %d, want about %.1f %%", what, count, n, 100*p)
	}
}

// hosts returns a cluster with n hosts that nothing connects to.
func hosts(t testing.TB, kind mesh.Balancer, n int) (*cluster, []*host) {
	p := New(Options{})
	t.Cleanup(func() { p.Close() })
	m := service("middle")
	m.Balancer = kind
	k := newCluster(newCaller(p, mesh.Source{}, "test", 0), m)
	var list []endpoint
	for i := range n {
		list = append(list, endpoint{address: fmt.Sprintf("127.0.0.1:%d", i+1)})
	}
	k.setHosts(list, "")
	return k, k.hosts.Load().list
}

func TestRandomIsUniform(t *testing.T) {
	t.Parallel()
	k, all := hosts(t, mesh.Random, 5)
	got := map[*host]int{}
	const n = 20_000
	for range n {
		got[k.pick(&choice{})]++
	}
	for _, h := range all {
		within(t, h.address, got[h], n, 1.0/5)
	}
}

func TestRoundRobinTakesTurns(t *testing.T) {
	t.Parallel()
	k, all := hosts(t, mesh.RoundRobin, 3)
	got := map[*host]int{}
	for range 300 {
		got[k.pick(&choice{})]++
	}
	for _, h := range all {
		if got[h] != 100 {
			t.Errorf("%s: %d of 300, want 100", h.address, got[h])
		}
	}
}

func TestLeastRequestPrefersTheIdle(t *testing.T) {
	t.Parallel()
	k, all := hosts(t, mesh.LeastRequest, 4)
	all[0].active.Store(10)
	got := map[*host]int{}
	const n = 20_000
	for range n {
		got[k.pick(&choice{})]++
	}
	within(t, "the busy one, chosen only against itself", got[all[0]], n, 1.0/16)
	within(t, "an idle one", got[all[1]], n, 5.0/16)
}

func TestConsistentHash(t *testing.T) {
	t.Parallel()
	k, all := hosts(t, mesh.ConsistentHash, 10)
	const n = 20_000
	was := make([]*host, n)
	got := map[*host]int{}
	key := func(i int) *choice { return &choice{hashed: true, hash: hashString(fmt.Sprint("key-", i))} }
	for i := range n {
		was[i] = k.pick(key(i))
		got[was[i]]++
		if again := k.pick(key(i)); again != was[i] {
			t.Fatalf("key %d moved from %s to %s", i, was[i].address, again.address)
		}
	}
	for _, h := range all {
		within(t, h.address, got[h], n, 0.1)
	}
	var list []endpoint
	for _, h := range all[1:] {
		list = append(list, h.endpoint)
	}
	k.setHosts(list, "")
	for i := range n {
		if now := k.pick(key(i)); now != was[i] && was[i] != all[0] {
			t.Fatalf("key %d moved from %s to %s, although another host was removed", i, was[i].address, now.address)
		}
	}
}

func TestHashKeys(t *testing.T) {
	t.Parallel()
	name := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s) }
	}
	var pods []mesh.Pod
	for i := range 5 {
		pods = append(pods, podOf("middle", fmt.Sprint("middle-", i), handle(t, name(fmt.Sprint(i)))))
	}
	c := service("middle")
	c.Balancer = mesh.ConsistentHash
	by := func(keys ...mesh.HashKey) *rules {
		r := routeTo(c)
		r.Hash = keys
		return toRoute(r)
	}
	b := newBench(t, Options{}, by(mesh.HashKey{Header: "x-user"}), pods...)
	same := func(what string, headers ...string) {
		t.Helper()
		want := b.get("http://middle/?user=a", headers...).body
		for range 30 {
			if got := b.get("http://middle/?user=a", headers...).body; got != want {
				t.Errorf("%s: pods %s and %s for one key", what, want, got)
				return
			}
		}
	}
	same("header", "x-user: me")
	seen := map[string]bool{}
	for range 100 {
		seen[b.get("http://middle/").body] = true
	}
	if len(seen) < 2 {
		t.Error("requests without the header all go to one pod")
	}
	b.proxy.Swap(by(mesh.HashKey{Query: "user"}))
	same("query")
	b.proxy.Swap(by(mesh.HashKey{Source: true}))
	same("source")
	b.proxy.Swap(by(mesh.HashKey{Cookie: "who", CookieMake: true, CookieTTL: time.Minute, CookiePath: "/"}))
	same("cookie", "Cookie: who=me")
	a := b.get("http://middle/")
	made := a.Header.Get("set-cookie")
	if !strings.HasPrefix(made, `who="`) || !strings.HasSuffix(made, "; Max-Age=60; Path=/; HttpOnly") {
		t.Fatalf("set-cookie %q", made)
	}
	value, _, _ := strings.Cut(made, ";")
	for range 20 {
		if got := b.get("http://middle/", "Cookie: "+value); got.body != a.body || got.Header.Get("set-cookie") != "" {
			t.Fatalf("with the generated cookie: pod %s and set-cookie %q, want pod %s and none", got.body, got.Header.Get("set-cookie"), a.body)
		}
	}
	b.proxy.Swap(by(mesh.HashKey{Header: "x-user"}, mesh.HashKey{Cookie: "who"}))
	same("both keys", "x-user: me", "Cookie: who=me")
	same("only the first key", "x-user: me")
	same("only the second key", "Cookie: who=me")
	clear(seen)
	for i := range 100 {
		seen[b.get("http://middle/", "x-user: me", fmt.Sprint("Cookie: who=", i)).body] = true
	}
	if len(seen) < 2 {
		t.Error("the second of two keys has no effect")
	}
	b.proxy.Swap(by(mesh.HashKey{Cookie: "who"}))
	if got := b.get("http://middle/").Header.Get("set-cookie"); got != "" {
		t.Errorf("a cookie without a lifetime must not be generated: %q", got)
	}
}
