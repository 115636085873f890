package fidelity

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hopline/hopline/lab/mesh"
)

// explain is what `hopline explain` says of a request.
func (e *lab) explain(r request) (mesh.Explanation, bool) {
	path, ok := mesh.NormalizePath(r.path)
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

// explained says where an explanation is not what Istio has done: it must name the subsets whose pods Envoy called, and the answers
// that Envoy gave by itself.
func (b *bench) explained(r request, istio outcome) []string {
	e, ok := b.lab.explain(r)
	if !ok || istio.err != nil || istio.status == http.StatusBadRequest && len(istio.arrivals) == 0 {
		return nil // refused before any rule was looked at, or cut off in the middle of its body
	}
	var wrong []string
	wants := func(status int) {
		if istio.status != status || len(istio.arrivals) > 0 {
			wrong = append(wrong, fmt.Sprintf("explain says %d by the proxy itself, Istio answered %d after %d tries", status, istio.status, len(istio.arrivals)))
		}
	}
	switch e.Outcome {
	case mesh.NoHost:
		wants(http.StatusBadGateway)
	case mesh.NoRoute:
		wants(http.StatusNotFound)
	case mesh.Redirect:
		wants(e.Route.Redirect.Code)
	case mesh.Direct:
		wants(e.Route.Direct.Code)
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

// named says whether an explanation leads to the workload that a request arrived at.
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

// clusters are those that an explanation names: where the request may go, and its copies.
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

// sticky says that a consistent hash chooses the endpoint of an app by something that the request has: it is the same each time, and
// which one is nobody's promise. With a cookie that the engine makes first, not even that: Envoy makes it of the connection's
// addresses, the lab of nothing.
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

// has says whether a request has what a consistent hash goes by.
func (r request) has(k mesh.HashKey) bool {
	if _, query, _ := strings.Cut(r.path, "?"); k.Query != "" {
		values, err := url.ParseQuery(query)
		return err == nil && values.Has(k.Query)
	}
	return k.Source || slices.ContainsFunc(r.header, func(h header) bool {
		return k.Header != "" && strings.EqualFold(h.name, k.Header) || k.Cookie != "" && h.name == "cookie" && strings.HasPrefix(h.value, k.Cookie+"=")
	})
}
