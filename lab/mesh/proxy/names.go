package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	nameFresh  = 5 * time.Second // how long a DNS result is used before the next look-up
	nameLimit  = 5 * time.Second // bound of one look-up
	maxNames   = 1000            // that are cached
	maxPerName = 64              // addresses
	maxParts   = 256             // names per cluster with resolution NONE
)

// names finds the addresses of ServiceEntries with resolution DNS. A name is looked up when a request needs it: an unused ServiceEntry
// makes no traffic. While an older result is there, requests use it and the look-up runs in the background.
type names struct {
	ctx  context.Context
	find func(ctx context.Context, host string) ([]netip.Addr, error)

	mu    sync.Mutex
	known map[string]*name
	tasks sync.WaitGroup
}

// name holds the cached result for one host.
type name struct {
	mu       sync.Mutex
	running  chan struct{} // closed when the look-up that runs has ended; nil: none runs
	addrs    []netip.Addr
	err      error
	lookedUp time.Time
}

func newNames(ctx context.Context, find func(context.Context, string) ([]netip.Addr, error)) *names {
	if find == nil {
		find = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	return &names{ctx: ctx, find: find, known: map[string]*name{}}
}

// resolve updates the hosts of a cluster that uses names. With resolution NONE the name is the request's authority: in a cluster the caller
// would have looked it up itself and the sidecar would keep the address.
func (x *exchange) resolve() {
	k := x.cluster
	switch {
	case k.DNS:
		x.proxy.names.resolve(x.ctx, k, k.wanted())
	case k.Original:
		host, _, err := net.SplitHostPort(x.req.Authority)
		if err != nil {
			host = x.req.Authority
		}
		at := net.JoinHostPort(strings.ToLower(host), strconv.Itoa(x.req.Port))
		x.cluster = k.part(at)
		x.proxy.names.resolve(x.ctx, x.cluster, []string{at})
	}
}

// part returns the part of a cluster with resolution NONE for one name. When there are too many, it closes any other.
func (k *cluster) part(name string) *cluster {
	k.updating.Lock()
	defer k.updating.Unlock()
	p := k.parts[name]
	if p != nil {
		return p
	}
	for old, q := range k.parts {
		if len(k.parts) < maxParts {
			break
		}
		q.close()
		delete(k.parts, old)
	}
	p = newCluster(k.caller, k.Cluster)
	if k.parts == nil {
		k.parts = map[string]*cluster{}
	}
	k.parts[name] = p
	return p
}

// resolve updates a cluster's hosts from DNS. It waits only for names that have never been found.
func (n *names) resolve(ctx context.Context, k *cluster, want []string) {
	var list []endpoint
	var fault string
	for _, hostport := range want {
		host, port, err := net.SplitHostPort(hostport)
		if err != nil {
			fault = "bad address " + strconv.Quote(hostport) + " in the ServiceEntry of " + k.Host
			continue
		}
		addrs, err := n.lookup(ctx, host)
		if err != nil {
			by := "a ServiceEntry resolves by DNS"
			if k.Passthrough {
				by = "outboundTrafficPolicy ALLOW_ANY passes on"
			}
			fault = "cannot resolve " + host + ", which " + by + ": " + reason(err)
		}
		p, _ := strconv.Atoi(port)
		for _, a := range addrs {
			list = append(list, endpoint{address: net.JoinHostPort(a.String(), port), port: p})
		}
	}
	if len(list) > 0 {
		fault = ""
	}
	k.resolved(list, fault)
}

// reason returns a short form of a resolver's error.
func reason(err error) string {
	var d *net.DNSError
	if errors.As(err, &d) {
		return d.Err
	}
	return err.Error()
}

// wanted returns the names of a DNS cluster.
func (k *cluster) wanted() []string {
	k.updating.Lock()
	defer k.updating.Unlock()
	if k.current == nil {
		return nil
	}
	return k.current.names
}

// resolved applies the addresses if they have changed.
func (k *cluster) resolved(list []endpoint, fault string) {
	k.updating.Lock()
	defer k.updating.Unlock()
	was := k.hosts.Load()
	same := was.fault == fault && slices.EqualFunc(was.list, list, func(h *host, e endpoint) bool { return h.address == e.address })
	if !same {
		k.setHosts(list, fault)
	}
}

// lookup returns the host's addresses, from the cache while they are fresh.
func (n *names) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	host = strings.ToLower(host)
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	e := n.entry(host)
	e.mu.Lock()
	defer e.mu.Unlock()
	if time.Since(e.lookedUp) > nameFresh && e.running == nil {
		e.running = make(chan struct{})
		n.tasks.Add(1)
		go n.lookUpNow(e, host)
	}
	for len(e.addrs) == 0 && e.running != nil {
		wait := e.running
		e.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			e.mu.Lock()
			return nil, ctx.Err()
		}
		e.mu.Lock()
	}
	return e.addrs, e.err
}

// entry returns the cache entry of a host. When there are too many, it deletes any other.
func (n *names) entry(host string) *name {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.known[host]
	if e == nil {
		for old := range n.known {
			if len(n.known) < maxNames {
				break
			}
			delete(n.known, old)
		}
		e = &name{}
		n.known[host] = e
	}
	return e
}

// lookUpNow looks a host up. After a failure the addresses found before stay in use.
func (n *names) lookUpNow(e *name, host string) {
	defer n.tasks.Done()
	ctx, cancel := context.WithTimeout(n.ctx, nameLimit)
	defer cancel()
	addrs, err := n.find(ctx, host)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lookedUp, e.err = time.Now(), err
	if err == nil {
		e.addrs = slices.Clip(addrs[:min(len(addrs), maxPerName)])
	}
	close(e.running)
	e.running = nil
}

// wait waits for running look-ups.
func (n *names) wait() { n.tasks.Wait() }
