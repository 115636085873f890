package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

func TestDNS(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "outside")
	_, port, _ := net.SplitHostPort(up.address())
	var asked atomic.Int32
	resolve := func(_ context.Context, host string) ([]netip.Addr, error) {
		asked.Add(1)
		if host != "time.example" {
			return nil, &net.DNSError{Err: "no such host", Name: host}
		}
		return []netip.Addr{netip.MustParseAddr("::ffff:127.0.0.1")}, nil
	}
	outside := &mesh.Cluster{Name: "outbound|80||time.example", Host: "time.example", Known: true, DNS: true, External: true, Addresses: []string{"Time.example:" + port}}
	b := newBench(t, Options{Resolve: resolve}, toRoute(routeTo(outside)))
	if asked.Load() != 0 {
		t.Error("a name was looked up without a request")
	}
	begun := time.Now()
	for range 10 {
		b.get("http://time.example/").want(t, 200, "outside / ")
	}
	if n := asked.Load(); n != 1 && time.Since(begun) < nameFresh {
		t.Errorf("looked up %d times, want once", n)
	}
	wrong := *outside
	wrong.Name, wrong.Addresses = "outbound|80||wrong.example", []string{"wrong.example:80"}
	b.proxy.Swap(toRoute(routeTo(&wrong)))
	b.get("http://wrong.example/").want(t, 502, "cannot resolve wrong.example, which a ServiceEntry resolves by DNS: no such host")
}

// TestOriginalDestination checks resolution NONE: each request is sent to the host that it names.
func TestOriginalDestination(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "outside")
	_, port, _ := net.SplitHostPort(up.address())
	resolve := func(_ context.Context, host string) ([]netip.Addr, error) {
		if host == "a.example" {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host}
	}
	any := &mesh.Cluster{Name: "outbound|80||*.example", Host: "*.example", Known: true, Original: true, External: true}
	b := newBench(t, Options{Resolve: resolve}, toRoute(routeTo(any)))
	for range 3 {
		b.get("http://a.example:"+port+"/").want(t, 200, "outside / ")
		b.get("http://b.example:"+port+"/").want(t, 502, "cannot resolve b.example, which a ServiceEntry resolves by DNS: no such host")
	}
	k := b.cluster(any)
	for i := range 2 * maxParts {
		k.part(strconv.Itoa(i))
	}
	if n := len(k.parts); n != maxParts {
		t.Errorf("%d names are connected to, want at most %d", n, maxParts)
	}
}

func TestDNSKeepsWhatItHad(t *testing.T) {
	t.Parallel()
	answer := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	n := newNames(t.Context(), func(context.Context, string) ([]netip.Addr, error) {
		if answer == nil {
			return nil, errors.New("down")
		}
		return answer, nil
	})
	defer n.wait()
	if a, err := n.lookup(t.Context(), "a.example"); len(a) != 1 || err != nil {
		t.Fatalf("%v, %v", a, err)
	}
	answer = nil
	e := n.entry("a.example")
	e.lookedUp = e.lookedUp.Add(-2 * nameFresh)
	for e.err == nil {
		if a, _ := n.lookup(t.Context(), "a.example"); len(a) != 1 {
			t.Fatalf("%v after a failed look-up, want the older result", a)
		}
		n.wait()
	}
}

func TestDNSIsBounded(t *testing.T) {
	t.Parallel()
	n := newNames(t.Context(), func(context.Context, string) ([]netip.Addr, error) { return make([]netip.Addr, 1000), nil })
	for i := range 2 * maxNames {
		if a, _ := n.lookup(t.Context(), string(rune('a'+i%26))+string(rune(0x4e00+i))); len(a) > maxPerName {
			t.Fatalf("%d addresses of a name, want at most %d", len(a), maxPerName)
		}
	}
	n.wait()
	if len(n.known) > maxNames {
		t.Errorf("%d names are kept, want at most %d", len(n.known), maxNames)
	}
}

func TestDNSGivesUpWithTheRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	n := newNames(ctx, func(ctx context.Context, _ string) ([]netip.Addr, error) { <-ctx.Done(); return nil, ctx.Err() })
	request, gone := context.WithCancel(t.Context())
	gone()
	if _, err := n.lookup(request, "a.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the request's end", err)
	}
	cancel()
	n.wait()
}
