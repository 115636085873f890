package proxy

import (
	"context"
	"crypto/rand"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/zipkin"
)

// Rules is what the proxy asks about a request; *mesh.Table answers. Its methods are called at the same time by many requests.
type Rules interface {
	// Decide says what happens to a request; random draws among weights and percentages.
	Decide(r *mesh.Request, from *mesh.Source, random uint64) mesh.Decision
	// Authorize says whether a destination takes a request; Port is then the container's.
	Authorize(from, to *mesh.Source, r *mesh.Request) (allowed bool, policy string)
	// Missing is the text for a host that nothing names.
	Missing(r *mesh.Request, from *mesh.Source) string
	// Clusters are all clusters that a decision can lead to.
	Clusters() []*mesh.Cluster
	Bare
	// Plain is whether there is no mesh at all: the proxy then only finds the Service, as kube-proxy would.
	Plain() bool
}

// Options says where a proxy's telemetry goes. Every field may be left empty.
type Options struct {
	// Registry gets Istio's standard metrics and the proxy's own.
	Registry prometheus.Registerer
	// Span is called with every sampled span, which is then the callee's. It must not block.
	Span func(*zipkin.Span)
	// Access is called with every finished request. It must neither block nor keep the record.
	Access func(*Access)
	// Ejected is called when a caller ejects an endpoint, and with over when the endpoint is used again. It must not block. An ejection whose
	// endpoint or caller goes ends without a call.
	Ejected func(e Ejection, over bool)
	// Resolve finds the addresses of ServiceEntries with resolution DNS; net.DefaultResolver where nil.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Proxy is the data plane: the ingress gateway, the egress gateway and every workload's sidecar, in one process. As in Istio each of
// them has connections, outlier detection and limits of its own.
type Proxy struct {
	metrics   *metrics
	ejections *ejections
	span      func(*zipkin.Span)
	access    func(*Access)
	names     *names
	secret    [32]byte      // of credentials; new at each start
	bodyIdle  time.Duration // see defaultBodyIdle; tests have less patience
	mirrors   chan struct{}

	state  atomic.Pointer[state]
	tokens atomic.Pointer[map[string]*caller] // credentials → the pod or gateway that they speak for

	mu       sync.Mutex // held while the state changes, and for what follows
	pods     map[string]*caller
	entries  []*caller                        // of gateways
	gateways map[gatewayPort]*gatewayListener // loopback listeners of gateways that workloads are routed to
	closed   bool
	ctx      context.Context // ends with the proxy
	cancel   context.CancelFunc
	inflight sync.WaitGroup // background work: mirrors, look-ups
}

// state is everything that a request is decided by. It is never changed, only replaced.
type state struct {
	rules     Rules
	noMesh    bool
	pods      []*pod
	endpoints map[*mesh.Cluster]*endpoints
	byName    map[string][]*mesh.Cluster // a table may hold one for each group of callers that sees the same rules
}

// New makes a proxy without rules, workloads or listeners; until Swap every request gets 404.
func New(o Options) *Proxy {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Proxy{
		metrics:   newMetrics(o.Registry),
		ejections: newEjections(o.Registry, o.Ejected),
		span:      o.Span,
		access:    o.Access,
		names:     newNames(ctx, o.Resolve),
		bodyIdle:  defaultBodyIdle,
		mirrors:   make(chan struct{}, maxMirrors),
		pods:      map[string]*caller{},
		gateways:  map[gatewayPort]*gatewayListener{},
		ctx:       ctx,
		cancel:    cancel,
	}
	rand.Read(p.secret[:]) // never fails
	p.state.Store(newState(noRules{}, nil, nil))
	p.tokens.Store(&map[string]*caller{})
	return p
}

// Swap puts new rules in force. Requests in flight finish under those that they began with. Clusters whose policy is
// unchanged keep their connections, ejected hosts and balancers.
func (p *Proxy) Swap(rules Rules) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(newState(rules, p.state.Load().pods, p.gatewayAddress))
}

// SetPods says which pods run, all of them. A pod that is not ready gets no new requests but may send them; one
// that is left out may do neither.
func (p *Proxy) SetPods(pods []mesh.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := make([]*pod, len(pods))
	for i := range pods {
		known[i] = newPod(&pods[i])
	}
	p.setCallers(known)
	p.change(newState(p.state.Load().rules, known, p.gatewayAddress))
}

// change puts a state in force and brings the callers' clusters in line with it. The caller holds p.mu.
func (p *Proxy) change(s *state) {
	s.keep(p.state.Load())
	p.state.Store(s)
	for _, c := range p.pods {
		c.update(s)
	}
	for _, c := range p.entries {
		c.update(s)
	}
}

// setCallers makes callers for new pods and forgets those of pods that are gone. The caller holds p.mu.
func (p *Proxy) setCallers(pods []*pod) {
	gone := p.pods
	p.pods = make(map[string]*caller, len(pods))
	for _, pod := range pods {
		c := gone[pod.Name]
		if c == nil || !c.same(pod) {
			c = newCaller(p, pod.Source, pod.Name, 0)
			c.noSidecar = pod.Bare
		} else {
			delete(gone, pod.Name)
		}
		p.pods[pod.Name] = c
	}
	p.setTokens()
	for _, c := range gone {
		c.close()
	}
}

// setTokens makes the callers known by their credentials. The caller holds p.mu.
func (p *Proxy) setTokens() {
	tokens := make(map[string]*caller, len(p.pods)+len(p.entries))
	for _, c := range p.entries {
		tokens[c.token] = c
	}
	for _, c := range p.pods {
		tokens[c.token] = c
	}
	p.tokens.Store(&tokens)
}

// Close ends the proxy's own listeners, its background work and its idle connections. Servers that use its handlers are shut down first.
func (p *Proxy) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.cancel()
	for _, h := range p.gateways {
		h.server.Close()
	}
	for _, c := range p.pods {
		c.close()
	}
	for _, c := range p.entries {
		c.close()
	}
	p.mu.Unlock()
	p.inflight.Wait()
	p.names.wait()
	return nil
}

// noRules is the table before the first Swap.
type noRules struct{}

func (noRules) Decide(*mesh.Request, *mesh.Source, uint64) mesh.Decision {
	return mesh.Decision{Outcome: mesh.NoRoute}
}
func (noRules) Authorize(_, _ *mesh.Source, _ *mesh.Request) (bool, string) { return true, "" }
func (noRules) Missing(*mesh.Request, *mesh.Source) string                  { return "" }
func (noRules) Clusters() []*mesh.Cluster                                   { return nil }
func (noRules) Bare(*mesh.Request, string, uint64) mesh.Decision            { return mesh.Decision{} }
func (noRules) Plain() bool                                                 { return false }
