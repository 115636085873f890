package load

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
)

// expectation says by the rules of an overlay which version should answer how often, hop by hop.
type expectation struct {
	overlay *overlay.Overlay
	table   *mesh.Table
	target  *url.URL
	method  string
	header  http.Header // what all hops pass on
}

// loadExpectation reads the rules of an overlay for requests to a target.
func loadExpectation(dir, target, method string, header http.Header) (*expectation, error) {
	o, err := overlay.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("--overlay: %w", err)
	}
	table, err := mesh.Compile(o)
	if err != nil {
		return nil, fmt.Errorf("--overlay: %w", err)
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	return &expectation{overlay: o, table: table, target: u, method: method, header: header}, nil
}

// version is one version of a service.
type version struct{ Service, Version string }

// first is the expected share of every version at the first hop, behind the ingress gateway; nil if the rules do not say.
func (e *expectation) first() map[version]float64 {
	source := mesh.IngressGateway()
	host := e.target.Host
	if h := e.header.Get("Host"); h != "" {
		host = h
	}
	return e.shares(&mesh.Request{Method: e.method, Authority: host, Path: e.target.RequestURI(), Scheme: "http", Port: 80, Header: e.header}, &source, false)
}

// next is the expected share of every version that answers a hop's question to its upstream; nil if the rules do not say.
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
	source, bare := mesh.SourceOf(e.overlay, d)
	return e.shares(&mesh.Request{Method: http.MethodGet, Authority: u.Host, Path: u.RequestURI(), Scheme: "http", Port: port, Header: forwarded(e.header)}, &source, bare)
}

// forwarded are the headers that the suite's services pass on to their upstreams.
func forwarded(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		lower := strings.ToLower(name)
		switch {
		case lower == "x-request-id", lower == "x-ot-span-context", lower == "x-dev-user", lower == "fail", strings.HasPrefix(lower, "x-fault-"):
			out[name] = values
		}
	}
	return out
}

// deployment is the workload that a hop ran as: the labels are its service and version, and its pods are named after it.
func (e *expectation) deployment(h hop) (overlay.Deployment, bool) {
	for _, d := range e.overlay.Deployments {
		if d.Pod.Labels["app"] == h.Service && d.Pod.Labels["version"] == h.Version && strings.HasPrefix(h.Host, d.Name+"-") {
			return d, true
		}
	}
	return overlay.Deployment{}, false
}

// shares adds up the weights of a route by version. Within one destination every replica gets the same share.
func (e *expectation) shares(r *mesh.Request, source *mesh.Source, bare bool) map[version]float64 {
	var decision mesh.Decision
	if bare || e.table.Plain() {
		decision = e.table.Bare(r, source.Namespace, 0)
	} else {
		decision = e.table.Decide(r, source, 0)
	}
	if decision.Outcome != mesh.Forward {
		return nil
	}
	shares, total := map[version]float64{}, 0.0
	for _, d := range decision.Route.Destinations {
		replicas := e.replicas(d.Cluster)
		if len(replicas) == 0 && d.Weight > 0 || d.Weight == 0 && len(decision.Route.Destinations) > 1 {
			if d.Weight > 0 {
				return nil // it leads beyond the overlay's own workloads
			}
			continue
		}
		sum := 0.0
		for _, n := range replicas {
			sum += n
		}
		weight := float64(max(d.Weight, 1)) // a single destination needs no weight
		for v, n := range replicas {
			shares[v] += weight * n / sum
		}
		total += weight
	}
	for v := range shares {
		shares[v] /= total
	}
	return shares
}

// replicas are the pods behind a cluster, by version. A ServiceEntry may lead to a Service.
func (e *expectation) replicas(c *mesh.Cluster) map[version]float64 {
	counts := map[version]float64{}
	count := func(namespace string, selector map[string]string) {
		for _, d := range e.overlay.Deployments {
			if d.Namespace == namespace && overlay.HasLabels(d.Pod.Labels, selector) && d.Replicas > 0 {
				counts[version{d.Pod.Labels["app"], d.Pod.Labels["version"]}] += float64(d.Replicas)
			}
		}
	}
	if c.Selector != nil {
		count(c.Namespace, c.Selector)
		return counts
	}
	for _, address := range c.Addresses {
		host, _, _ := strings.Cut(address, ":")
		for _, s := range e.overlay.Services {
			if host == s.Name+"."+s.Namespace+".svc.cluster.local" {
				count(s.Namespace, s.Selector)
			}
		}
	}
	return counts
}

// mix adds a distribution to another, n times.
func mix(into, shares map[version]float64, n float64) {
	for v := range maps.Keys(shares) {
		into[v] += shares[v] * n
	}
}
