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

// Rules decides about requests; *mesh.Table implements it. Many requests call its methods concurrently.
type Rules interface {
	// Decide returns what happens to a request; random draws among weights and percentages.
	Decide(r *mesh.Request, from *mesh.Source, random uint64) mesh.Decision
	// Authorize reports whether a destination accepts a request; Port is then the container's.
	Authorize(from, to *mesh.Source, r *mesh.Request) (allowed bool, policy string)
	// Missing returns the text for a host that no rule or Service names.
	Missing(r *mesh.Request, from *mesh.Source) string
	// MatchedHeaders returns the headers that any rule matches on, in the canonical form of net/http.
	MatchedHeaders() []string
	// Clusters returns all clusters that a decision can name.
	Clusters() []*mesh.Cluster
	// EntryGateway returns the gateway at which requests from outside arrive. After an error it is the one before.
	EntryGateway() (mesh.Source, error)
	// NoMesh reports whether there is no mesh at all: the proxy then only finds the Service, as kube-proxy would.
	NoMesh() bool
}

// Options sets where a proxy's telemetry is sent. Every field may be empty.
type Options struct {
	// Registry receives Istio's standard metrics and the proxy's own.
	Registry prometheus.Registerer
	// Span is called with every sampled span, which the callee then owns. It must not block.
	Span func(*zipkin.Span)
	// Access is called with every finished request. It must neither block nor keep the record.
	Access func(*Access)
	// Ejected is called when a caller ejects an endpoint, and with over when the endpoint is used again. It must not block. It is not called
	// when an ejection ends because its endpoint or caller is removed.
	Ejected func(e Ejection, over bool)
	// Resolve returns the addresses of ServiceEntries with resolution DNS; nil means net.DefaultResolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Proxy is the data plane: the ingress gateway, the egress gateway and every workload's sidecar, in one process. As in Istio each of them
// has its own connections, outlier detection and limits.
type Proxy struct {
	metrics   *metrics
	ejections *ejections
	span      func(*zipkin.Span)
	access    func(*Access)
	names     *names
	secret    [32]byte      // key of the credentials; new at each start
	bodyIdle  time.Duration // see defaultBodyIdle; shorter in tests
	mirrors   chan struct{}

	state  atomic.Pointer[state]
	tokens atomic.Pointer[map[string]*caller] // credentials → the pod or gateway that they identify

	mu       sync.Mutex // held while the state changes; guards the fields below
	pods     map[string]*caller
	entries  []*caller                        // of gateways, but for the one of the state
	gateways map[gatewayPort]*gatewayListener // loopback listeners of gateways that workloads are routed to
	closed   bool
	ctx      context.Context // ends with the proxy
	cancel   context.CancelFunc
	inflight sync.WaitGroup // background work: mirrors, look-ups
}

// state holds everything that decides about a request. It is never changed, only replaced.
type state struct {
	rules     Rules
	entry     *caller // the gateway at which requests from outside arrive
	noMesh    bool
	headers   []string // that any rule matches on
	pods      []*pod
	endpoints map[*mesh.Cluster]*endpoints
	byName    map[string][]*mesh.Cluster // a table may hold one for each group of callers with the same rules
}

// New returns a proxy without rules, workloads or listeners. Until Swap every request gets 404.
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
	first := newState(noRules{}, nil, nil)
	first.entry = newCaller(p, mesh.IngressGateway(), mesh.IngressGateway().Workload, 0)
	p.state.Store(first)
	p.tokens.Store(&map[string]*caller{first.entry.token: first.entry})
	return p
}

// Swap applies new rules. Requests in flight finish under the rules that they began with. Clusters whose policy is unchanged keep their
// connections, ejected hosts and balancers.
func (p *Proxy) Swap(rules Rules) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.state.Load().entry
	s := newState(rules, p.state.Load().pods, p.gatewayAddress)
	s.entry = p.entryOf(rules, before)
	p.change(s)
	if s.entry != before {
		p.setTokens()
		before.close()
	}
}

// entryOf returns the caller for the gateway at which requests from outside arrive: the one before if it is still the same.
func (p *Proxy) entryOf(rules Rules, before *caller) *caller {
	source, err := rules.EntryGateway()
	if err != nil || before.is(&source) {
		return before
	}
	return newCaller(p, source, source.Workload, 0)
}

// SetPods sets all pods that run. A pod that is not ready receives no new requests but may send them; a pod that is left out may do
// neither.
func (p *Proxy) SetPods(pods []mesh.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := make([]*pod, len(pods))
	for i := range pods {
		known[i] = newPod(&pods[i])
	}
	p.setCallers(known)
	s := newState(p.state.Load().rules, known, p.gatewayAddress)
	s.entry = p.state.Load().entry
	p.change(s)
}

// change applies a state and updates the callers' clusters. The caller holds p.mu.
func (p *Proxy) change(s *state) {
	s.keep(p.state.Load())
	p.state.Store(s)
	for _, c := range p.pods {
		c.update(s)
	}
	for _, c := range p.entries {
		c.update(s)
	}
	s.entry.update(s)
}

// setCallers creates callers for new pods and removes those of pods that are gone. The caller holds p.mu.
func (p *Proxy) setCallers(pods []*pod) {
	gone := p.pods
	p.pods = make(map[string]*caller, len(pods))
	for _, pod := range pods {
		c := gone[pod.Name]
		if c == nil || !c.is(&pod.Source) {
			c = newCaller(p, pod.Source, pod.Name, 0)
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

// setTokens indexes the callers by their credentials. The caller holds p.mu.
func (p *Proxy) setTokens() {
	tokens := make(map[string]*caller, len(p.pods)+len(p.entries))
	for _, c := range p.entries {
		tokens[c.token] = c
	}
	entry := p.state.Load().entry
	tokens[entry.token] = entry
	for _, c := range p.pods {
		tokens[c.token] = c
	}
	p.tokens.Store(&tokens)
}

// Close closes the proxy's own listeners and idle connections and ends its background work. Servers that use its handlers must be shut down
// first.
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
	p.state.Load().entry.close()
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
func (noRules) MatchedHeaders() []string                                    { return nil }
func (noRules) Missing(*mesh.Request, *mesh.Source) string                  { return "" }
func (noRules) Clusters() []*mesh.Cluster                                   { return nil }
func (noRules) EntryGateway() (mesh.Source, error)                          { return mesh.IngressGateway(), nil }
func (noRules) NoMesh() bool                                                { return false }
