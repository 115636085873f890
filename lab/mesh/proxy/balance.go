package proxy

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
)

// choice holds what a balancer uses to choose, besides the hosts.
type choice struct {
	hash   uint64 // of the request's keys, for consistent hashing
	hashed bool
	tried  []*host // by earlier tries
	others bool    // the retry policy prefers hosts that have not been tried
}

// rejects reports whether the balancer should choose again.
func (c *choice) rejects(h *host) bool { return c.others && slices.Contains(c.tried, h) }

// pick returns the host for the next try, or nil if there is none. As Istio's retry policy says, it draws again, up to pickAgain times,
// when it draws a host that was already tried.
func (k *cluster) pick(c *choice) *host {
	hosts := k.inUse(k.hosts.Load().list)
	if len(hosts) == 0 {
		return nil
	}
	var h *host
	for range pickAgain + 1 {
		h = k.choose(c, hosts)
		if !c.rejects(h) {
			break
		}
	}
	return h
}

// choose makes one choice of the balancer.
func (k *cluster) choose(c *choice, hosts []*host) *host {
	n := uint64(len(hosts))
	switch k.Balancer {
	case mesh.RoundRobin:
		return hosts[k.turn.Add(1)%n]
	case mesh.LeastRequest:
		r := rand.Uint64()
		a, b := hosts[(r>>32)%n], hosts[(r&0xffffffff)%n]
		if b.active.Load() < a.active.Load() {
			return b
		}
		return a
	case mesh.ConsistentHash:
		if c.hashed {
			return byHash(c.hash, hosts)
		}
	}
	return hosts[rand.Uint64()%n]
}

// byHash returns the host whose hash, mixed with the key's, is highest (rendezvous hashing). A key keeps its host, and when a host is
// removed only its own keys move. It needs no table, unlike ring hash or Maglev. Neither Istio nor Envoy promises which host a key gets.
func byHash(key uint64, hosts []*host) *host {
	best, top := hosts[0], uint64(0)
	for _, h := range hosts {
		if m := mesh.Mix(key ^ h.hash); m > top {
			best, top = h, m
		}
	}
	return best
}

// hashString returns the FNV-1a hash of s, mixed.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mesh.Mix(h)
}

// keys computes the hash for consistent hashing from all keys of the route that the request has, combined as Envoy combines them. A request
// without any key is sent to a random host.
func (x *exchange) keys() {
	if x.cluster.Balancer != mesh.ConsistentHash {
		return
	}
	for i := range x.d.Route.Hash {
		if value, ok := x.key(&x.d.Route.Hash[i]); ok {
			x.choice.hash, x.choice.hashed = bits.RotateLeft64(x.choice.hash, 1)^hashString(value), true
		}
	}
}

// key returns the request's value of a key.
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
	case x.in.untrusted:
		value, _, _ = net.SplitHostPort(x.r.RemoteAddr)
		return value, true
	}
	return x.in.name, true
}

// cookie returns the value of the hashed cookie. If the cookie is absent and the policy gives it a lifetime, cookie generates it.
func (x *exchange) cookie(k *mesh.HashKey) (string, bool) {
	if c, err := x.r.Cookie(k.Cookie); err == nil && c.Value != "" {
		return c.Value, true
	}
	if !k.CookieMake {
		return "", false
	}
	value := fmt.Sprintf("%016x", rand.Uint64())
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
