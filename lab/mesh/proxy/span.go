package proxy

import (
	"cmp"
	"net/netip"
	"strconv"
	"time"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/zipkin"
)

// spanTemplate holds what all spans of a caller have in common.
type spanTemplate struct {
	local  *zipkin.Endpoint
	nodeID string
}

func newSpanTemplate(c *caller) spanTemplate {
	kind := "sidecar"
	if c.source.Gateway {
		kind = "router"
	}
	return spanTemplate{
		local:  &zipkin.Endpoint{ServiceName: c.who.canonical},
		nodeID: kind + "~127.0.0.1~" + c.name + "." + c.source.Namespace + "~" + c.source.Namespace + "." + istio.ClusterDomain,
	}
}

// emit reports the request's span, named and tagged as Envoy does for Istio. Sidecars and gateways report the calling side (CLIENT).
func (x *exchange) emit(end time.Time) {
	if x.proxy.span == nil || !x.trace.sampled || x.trace.span == "" {
		return
	}
	t := &x.trace
	s := &zipkin.Span{
		TraceID: t.trace, ID: t.span, ParentID: t.parent, Kind: zipkin.Client, Name: x.operation(), Debug: t.debug,
		Timestamp: x.start.UnixMicro(), Duration: max(1, end.Sub(x.start).Microseconds()), LocalEndpoint: x.in.span.local,
		Tags: x.tags(),
	}
	if x.host != nil {
		s.RemoteEndpoint = x.host.remote
	}
	x.proxy.span(s)
}

// operation returns the route's decorator, or Envoy's default for requests that no route matches.
func (x *exchange) operation() string {
	if r := x.d.Route; r != nil && r.Decorator != "" {
		return r.Decorator
	}
	return "egress " + x.req.Authority
}

// tags returns the tags of Envoy's HttpTracerUtility and of Istio's service tags.
func (x *exchange) tags() map[string]string {
	h := x.r.Header
	received := int64(0)
	if x.body != nil {
		received = x.body.size()
	}
	tags := map[string]string{
		"component":                "proxy",
		"node_id":                  x.in.span.nodeID,
		"guid:x-request-id":        value(h, hRequestID),
		"http.url":                 x.req.Scheme + "://" + x.req.Authority + x.req.Path,
		"http.method":              x.req.Method,
		"http.protocol":            x.r.Proto,
		"downstream_cluster":       "-",
		"user_agent":               cmp.Or(value(h, "User-Agent"), "-"),
		"request_size":             strconv.FormatInt(received, 10),
		"response_size":            strconv.FormatInt(x.sent, 10),
		"http.status_code":         strconv.Itoa(x.status),
		"response_flags":           x.flags.String(),
		"istio.canonical_service":  x.in.who.canonical,
		"istio.canonical_revision": x.in.who.revision,
		"istio.namespace":          x.in.who.namespace,
		"istio.mesh_id":            istio.TrustDomain,
		"istio.cluster_id":         "Kubernetes",
		"peer.address":             x.peer(),
	}
	if x.cluster != nil {
		tags["upstream_cluster"] = x.cluster.Name
		tags["upstream_cluster.name"] = x.cluster.Name + ";"
	}
	if x.host != nil {
		tags["upstream_address"] = x.host.address
	}
	if x.attempts > 1 {
		tags["retry.count"] = strconv.Itoa(x.attempts - 1)
	}
	if x.status == 0 || x.status >= 500 {
		tags["error"] = "true"
	}
	return tags
}

// peer returns the caller's address without its port.
func (x *exchange) peer() string {
	if ap, err := netip.ParseAddrPort(x.r.RemoteAddr); err == nil {
		return ap.Addr().Unmap().String()
	}
	return x.r.RemoteAddr
}

// remoteEndpoint returns an endpoint in the form that spans use.
func remoteEndpoint(e *endpoint) *zipkin.Endpoint {
	ap, err := netip.ParseAddrPort(e.address)
	if err != nil {
		return nil
	}
	z := &zipkin.Endpoint{Port: int(ap.Port())}
	if ap.Addr().Unmap().Is4() {
		z.IPv4 = ap.Addr().Unmap().String()
	} else {
		z.IPv6 = ap.Addr().String()
	}
	if e.pod != nil {
		z.ServiceName = e.pod.who.canonical
	}
	return z
}
