package proxy

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// pick chooses the host of the next try; nil: there is none to choose. Ejected hosts are left out, unless so many are ejected that
// Envoy's panic mode takes them all back in. As Istio's retry policy says, a host that was tried already is chosen
// again only if chance brings it up again and again.
func (k *cluster) pick(x *exchange) *host {
	all := k.hosts.Load().list
	if len(all) == 0 {
		return nil
	}
	healthy := k.healthy(all)
	if healthy == 0 {
		return nil
	}
	var h *host
	for range pickAgain + 1 {
		h = k.choose(x, all, healthy)
		if !x.another(h) {
			break
		}
	}
	return h
}

// healthy counts the hosts that may be chosen: all of them in panic mode, which begins below the share minHealthPercent.
func (k *cluster) healthy(all []*host) int {
	if k.Outlier == nil || k.ejected.Load() == 0 {
		return len(all)
	}
	n, now := 0, time.Now()
	for _, h := range all {
		if h.eligible(now) {
			n++
		}
	}
	if n*100 < k.Outlier.MinHealthPercent*len(all) {
		return len(all)
	}
	return n
}

// choose is one choice of the balancer among the hosts, of which so many may be chosen.
func (k *cluster) choose(x *exchange, all []*host, healthy int) *host {
	if k.Balancer.Kind == mesh.ConsistentHash && x.hashed {
		return k.byHash(x.hash, all, healthy)
	}
	nth := func(r uint64) *host { return k.nth(all, healthy, int(r%uint64(healthy))) }
	switch k.Balancer.Kind {
	case mesh.RoundRobin:
		return nth(k.turn.Add(1))
	case mesh.LeastRequest:
		r := random()
		a, b := nth(r>>32), nth(r&0xffffffff)
		if b.active.Load() < a.active.Load() {
			return b
		}
		return a
	}
	return nth(random())
}

// nth is the nth host of those that may be chosen.
func (k *cluster) nth(all []*host, healthy, n int) *host {
	if healthy == len(all) {
		return all[n]
	}
	now := time.Now()
	for _, h := range all {
		if !h.eligible(now) {
			continue
		}
		if n == 0 {
			return h
		}
		n--
	}
	return all[0] // the others were ejected in this moment
}

// byHash is the host whose hash, mixed with the key's, is highest (rendezvous hashing): a key keeps its host, and when a host goes only
// its own keys move. It needs no table, unlike the ring or Maglev; which host a key gets is nobody's promise.
func (k *cluster) byHash(key uint64, all []*host, healthy int) *host {
	var best *host
	var top uint64
	now := time.Now()
	for _, h := range all {
		if healthy != len(all) && !h.eligible(now) {
			continue
		}
		if m := mix(key ^ h.hash); best == nil || m > top {
			best, top = h, m
		}
	}
	if best == nil {
		return all[0]
	}
	return best
}

// mix spreads a 64-bit number over all 64 bits (the finaliser of SplitMix64).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// hashString is FNV-1a, mixed.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// key works out what consistent hashing goes by. A request that lacks it goes anywhere; a cookie that is absent is made where the
// policy gives a lifetime for it.
func (x *exchange) key() {
	b := &x.cluster.Balancer
	if b.Kind != mesh.ConsistentHash {
		return
	}
	value, ok := "", false
	switch {
	case b.HashHeader != "":
		if v := x.r.Header.Values(b.HashHeader); len(v) > 0 {
			value, ok = strings.Join(v, ","), true
		}
	case b.HashCookie != "":
		value, ok = x.cookie(b)
	case b.HashQuery != "":
		if _, query, found := strings.Cut(x.req.Path, "?"); found {
			if q, err := url.ParseQuery(query); err == nil && q.Has(b.HashQuery) {
				value, ok = q.Get(b.HashQuery), true
			}
		}
	case b.HashSource:
		value, ok = x.in.name, true
		if x.in.edge {
			value, _, _ = net.SplitHostPort(x.r.RemoteAddr)
		}
	}
	if ok {
		x.hash, x.hashed = hashString(value), true
	}
}

// cookie is the value of the cookie that is hashed.
func (x *exchange) cookie(b *mesh.Balancer) (string, bool) {
	if c, err := x.r.Cookie(b.HashCookie); err == nil && c.Value != "" {
		return c.Value, true
	}
	if !b.CookieMake {
		return "", false
	}
	value := fmt.Sprintf("%016x", random())
	made := b.HashCookie + `="` + value + `"`
	if b.CookieTTL > 0 {
		made += fmt.Sprintf("; Max-Age=%d", int(b.CookieTTL.Seconds()))
	}
	if b.CookiePath != "" {
		made += "; Path=" + b.CookiePath
	}
	x.setCookie = made + "; HttpOnly"
	return value, true
}

// addCookie gives the caller the cookie that was made for it.
func (x *exchange) addCookie(h http.Header) {
	if x.setCookie != "" {
		h["Set-Cookie"] = append(h["Set-Cookie"], x.setCookie)
	}
}
