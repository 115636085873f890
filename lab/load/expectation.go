package load

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/internal/current"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// expectation computes from the rules of an overlay how often each version should respond, hop by hop.
type expectation struct {
	overlay *overlay.Overlay
	table   *mesh.Table
	target  *url.URL
	method  string
	header  http.Header // the headers that all hops forward
}

// loadExpectation loads the rules of an overlay for the requests of a command.
func (c *Command) loadExpectation(choice current.Choice) (*expectation, error) {
	o, table, err := choice.Load()
	if err != nil {
		return nil, fmt.Errorf("--overlay: %w", err)
	}
	return c.expect(o, table)
}

// expect returns what the rules of an overlay give for the requests of a command.
func (c *Command) expect(o *overlay.Overlay, table *mesh.Table) (*expectation, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	header, problem := headers(c.Header)
	if problem != nil {
		return nil, problem
	}
	return &expectation{overlay: o, table: table, target: u, method: c.Method, header: header}, nil
}

// version is one version of a service.
type version struct{ Service, Version string }

// first returns the expected share of every version at the first hop, behind the gateway of requests from outside; nil if the rules do not determine it.
func (e *expectation) first() map[version]float64 {
	source, err := e.table.EntryGateway()
	if err != nil {
		return nil // no lab starts with such rules
	}
	host := e.target.Host
	if h := e.header.Get("Host"); h != "" {
		host = h
	}
	return e.shares(&mesh.Request{Method: e.method, Authority: host, Path: e.target.RequestURI(), Scheme: "http", Port: 80, Header: e.header}, &source)
}

// next returns the expected share of every version that responds to a hop's request to its upstream; nil if the rules do not determine it.
func (e *expectation) next(from hop) map[version]float64 {
	u, err := url.Parse(from.Upstream)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil
	}
	d, ok := e.deployment(from)
	if !ok {
		return nil
	}
	port := 80
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil
		}
	}
	source := mesh.SourceOf(e.overlay, d)
	return e.shares(&mesh.Request{Method: http.MethodGet, Authority: u.Host, Path: u.RequestURI(), Scheme: "http", Port: port, Header: forwarded(e.header)}, &source)
}

// forwarded returns the headers that the suite's services forward to their upstreams. The list belongs to the services (pkg/relay), and the
// lab imports none of their code; a test compares this list with what a service does.
func forwarded(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		switch {
		case name == "X-Request-Id", name == "X-Ot-Span-Context", name == "X-Dev-User", name == "Fail",
			strings.HasPrefix(name, "X-Fault-") && name != "X-Fault-Injected":
			out[name] = values
		}
	}
	return out
}

// deployment returns the workload of a hop: its labels are the hop's service and version, and its pods are named after it.
func (e *expectation) deployment(h hop) (overlay.Deployment, bool) {
	for _, d := range e.overlay.Deployments {
		if d.Pod.Labels["app"] == h.Service && d.Pod.Labels["version"] == h.Version && strings.HasPrefix(h.Host, d.Name+"-") {
			return d, true
		}
	}
	return overlay.Deployment{}, false
}

// shares adds up the table's shares of a route's destinations by version; nil if they do not determine who responds.
func (e *expectation) shares(r *mesh.Request, source *mesh.Source) map[version]float64 {
	if e.table.NoMesh() {
		source = &mesh.Source{Namespace: source.Namespace, NoSidecar: true}
	}
	decision := e.table.Decide(r, source, 0)
	if decision.Outcome != mesh.Forward {
		return nil
	}
	shares := map[version]float64{}
	for _, share := range e.table.Shares(decision.Route) {
		if len(share.Backends) == 0 {
			return nil // a destination outside the overlay's own workloads
		}
		if share.Cluster.Balancer == mesh.ConsistentHash && len(share.Backends) > 1 {
			return nil // which of them responds depends on the request
		}
		for _, b := range share.Backends {
			labels := b.Deployment.Pod.Labels
			shares[version{labels["app"], labels["version"]}] += b.Percent / 100
		}
	}
	return shares
}

// mix adds a distribution to another, n times.
func mix(into, shares map[version]float64, n float64) {
	for v := range maps.Keys(shares) {
		into[v] += shares[v] * n
	}
}
