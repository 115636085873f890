package proxy

import (
	"fmt"
	"math/bits"
	"net"
	"net/url"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
)

// pick chooses the host of the next try; nil: there is none to choose. As Istio's retry policy says, a host that was tried already
// is chosen again only if chance brings it up again and again.
func (k *cluster) pick(x *exchange) *host {
	hosts := k.inUse(k.hosts.Load().list)
	if len(hosts) == 0 {
		return nil
	}
	var h *host
	for range pickAgain + 1 {
		h = k.choose(x, hosts)
		if !x.another(h) {
			break
		}
	}
	return h
}

// choose is one choice of the balancer.
func (k *cluster) choose(x *exchange, hosts []*host) *host {
	n := uint64(len(hosts))
	switch k.Balancer {
	case mesh.RoundRobin:
		return hosts[k.turn.Add(1)%n]
	case mesh.LeastRequest:
		r := random()
		a, b := hosts[(r>>32)%n], hosts[(r&0xffffffff)%n]
		if b.active.Load() < a.active.Load() {
			return b
		}
		return a
	case mesh.ConsistentHash:
		if x.hashed {
			return byHash(x.hash, hosts)
		}
	}
	return hosts[random()%n]
}

// byHash is the host whose hash, mixed with the key's, is highest (rendezvous hashing): a key keeps its host, and when a host goes only
// its own keys move. It needs no table, unlike the ring or Maglev; which host a key gets is nobody's promise.
func byHash(key uint64, hosts []*host) *host {
	best, top := hosts[0], uint64(0)
	for _, h := range hosts {
		if m := mix(key ^ h.hash); m > top {
			best, top = h, m
		}
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

// keys works out what consistent hashing goes by: all keys of the route that the request has, combined as Envoy does. A request that
// has none goes anywhere.
func (x *exchange) keys() {
	if x.cluster.Balancer != mesh.ConsistentHash {
		return
	}
	for i := range x.d.Route.Hash {
		if value, ok := x.key(&x.d.Route.Hash[i]); ok {
			x.hash, x.hashed = bits.RotateLeft64(x.hash, 1)^hashString(value), true
		}
	}
}

// key is the request's value of a key.
func (x *exchange) key(k *mesh.HashKey) (value string, ok bool) {
	switch {
	case k.Header != "":
		v := x.r.Header.Values(k.Header)
		return strings.Join(v, ","), len(v) > 0
	case k.Query != "":
		if _, query, found := strings.Cut(x.req.Path, "?"); found {
			if q, err := url.ParseQuery(query); err == nil && q.Has(k.Query) {
				return q.Get(k.Query), true
			}
		}
		return "", false
	case k.Cookie != "":
		return x.cookie(k)
	case x.in.edge:
		value, _, _ = net.SplitHostPort(x.r.RemoteAddr)
		return value, true
	}
	return x.in.name, true
}

// cookie is the value of the cookie that is hashed. One that is absent is made where the policy gives a lifetime for it.
func (x *exchange) cookie(k *mesh.HashKey) (string, bool) {
	if c, err := x.r.Cookie(k.Cookie); err == nil && c.Value != "" {
		return c.Value, true
	}
	if !k.CookieMake {
		return "", false
	}
	value := fmt.Sprintf("%016x", random())
	made := k.Cookie + `="` + value + `"`
	if k.CookieTTL > 0 {
		made += fmt.Sprintf("; Max-Age=%d", int(k.CookieTTL.Seconds()))
	}
	if k.CookiePath != "" {
		made += "; Path=" + k.CookiePath
	}
	x.setCookies = append(x.setCookies, made+"; HttpOnly")
	return value, true
}
