package fidelity

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/urlpath"
)

// explain returns what `hopline explain` reports on a request.
func (e *lab) explain(r request) (mesh.Explanation, bool) {
	path, ok := urlpath.Normalize(r.path)
	if !ok {
		return mesh.Explanation{}, false
	}
	req := &mesh.Request{Method: r.method, Authority: r.authority, Path: path, Scheme: "http", Port: r.port(), Header: http.Header{}}
	for _, h := range r.header {
		req.Header.Add(h.name, h.value)
	}
	source := e.source.Source
	if r.from == ingress {
		source, req.Port = mesh.IngressGateway(), 80
	}
	return e.table.Explain(req, &source), true
}

// explained returns where an explanation differs from what Istio has done: it must name the subsets whose pods Envoy called, and the
// responses that Envoy sent itself.
func (b *bench) explained(r request, istio outcome) []string {
	e, ok := b.lab.explain(r)
	if !ok || istio.err != nil || istio.status == http.StatusBadRequest && len(istio.arrivals) == 0 {
		return nil // rejected before any rule was evaluated, or cut off in the middle of its body
	}
	var wrong []string
	wants := func(status int) {
		if istio.status != status || len(istio.arrivals) > 0 {
			wrong = append(wrong, fmt.Sprintf("explain has %d by the proxy itself, Istio responded with %d after %d tries", status, istio.status, len(istio.arrivals)))
		}
	}
	if e.Refusal != "" {
		wants(http.StatusForbidden)
		return wrong
	}
	switch e.Outcome {
	case mesh.NoHost:
		wants(http.StatusBadGateway)
	case mesh.NoRoute:
		wants(http.StatusNotFound)
	case mesh.Redirect:
		wants(e.Status())
	case mesh.Direct:
		wants(e.Status())
	case mesh.Preflight:
		wants(e.Status())
	case mesh.Forward:
		for _, a := range istio.arrivals {
			if !b.named(e, a) {
				wrong = append(wrong, fmt.Sprintf("explain does not name the subset of %s, which Istio called", a.workload))
			}
		}
	}
	if wrong != nil {
		wrong = append(wrong, strings.Split(e.String(), "\n")...)
	}
	return wrong
}

// named reports whether an explanation names the workload that a request arrived at.
func (b *bench) named(e mesh.Explanation, a arrival) bool {
	for _, p := range b.world.pods {
		if p.Name != a.pod || p.Annotations[workloadKey] != a.workload {
			continue
		}
		for _, c := range clusters(e) {
			selected := p.Namespace == c.Namespace && len(c.Selector) > 0
			for k, v := range c.Selector {
				selected = selected && p.Labels[k] == v
			}
			for _, address := range c.Addresses {
				selected = selected || strings.HasPrefix(address, p.Status.PodIP+":")
			}
			if selected {
				return true
			}
		}
	}
	return false
}

// clusters returns the clusters that an explanation names: the possible destinations of the request and of its copies.
func clusters(e mesh.Explanation) []*mesh.Cluster {
	var all []*mesh.Cluster
	for _, s := range e.Shares {
		if s.Percent > 0 {
			all = append(all, s.Cluster)
		}
	}
	for _, m := range e.Route.Mirrors {
		all = append(all, m.Cluster)
	}
	return all
}

// sticky reports whether a consistent hash chooses the endpoint of an app by a value of the request: the endpoint is the same each time,
// but no rule defines which one. made reports a cookie that the engine makes first. Then the endpoint differs too: Envoy derives the cookie
// from the connection's addresses, the lab does not.
func (b *bench) sticky(r request) (app string, sticky, made bool) {
	e, _ := b.lab.explain(r)
	if len(e.Shares) != 1 || e.Shares[0].Cluster.Balancer != mesh.ConsistentHash {
		return "", false, false
	}
	app, _, _ = strings.Cut(e.Shares[0].Cluster.Host, ".")
	for _, k := range e.Route.Hash {
		has := r.has(k)
		sticky = sticky || has
		made = made || k.CookieMake && !has
	}
	return app, sticky, made
}

// has reports whether a request has the value of a hash key.
func (r request) has(k mesh.HashKey) bool {
	if _, query, _ := strings.Cut(r.path, "?"); k.Query != "" {
		values, err := url.ParseQuery(query)
		return err == nil && values.Has(k.Query)
	}
	return k.Source || slices.ContainsFunc(r.header, func(h header) bool {
		return k.Header != "" && strings.EqualFold(h.name, k.Header) || k.Cookie != "" && h.name == "cookie" && strings.HasPrefix(h.value, k.Cookie+"=")
	})
}
