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

// traced reports whether the request has a span.
func (x *exchange) traced() bool { return x.proxy.span != nil && x.trace.sampled && x.trace.span != "" }

// emit reports the request's span, named and tagged as Envoy does for Istio. Sidecars and gateways report the calling side (CLIENT).
func (x *exchange) emit(end time.Time) {
	if !x.traced() {
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

// maxTags is the number of tags that a span can have.
const maxTags = 23

// tags returns the tags of Envoy's HttpTracerUtility and of Istio's service tags, sorted by key.
func (x *exchange) tags() zipkin.Tags {
	h, who := x.r.Header, &x.in.who
	received := int64(0)
	if x.body != nil {
		received = x.body.size()
	}
	tags := append(make(zipkin.Tags, 0, maxTags), zipkin.Tag{Key: "component", Value: "proxy"}, zipkin.Tag{Key: "downstream_cluster", Value: "-"})
	add := func(key, value string) { tags = append(tags, zipkin.Tag{Key: key, Value: value}) }
	if x.status == 0 || x.status >= 500 {
		add("error", "true")
	}
	add("guid:x-request-id", value(h, hRequestID))
	add("http.method", x.req.Method)
	add("http.protocol", x.r.Proto)
	add("http.status_code", strconv.Itoa(x.status))
	add("http.url", x.req.Scheme+"://"+x.req.Authority+x.req.Path)
	add("istio.canonical_revision", who.revision)
	add("istio.canonical_service", who.canonical)
	add("istio.cluster_id", "Kubernetes")
	add("istio.mesh_id", istio.TrustDomain)
	add("istio.namespace", who.namespace)
	add("node_id", x.in.span.nodeID)
	add("peer.address", x.peer())
	add("request_size", strconv.FormatInt(received, 10))
	add("response_flags", x.flags.String())
	add("response_size", strconv.FormatInt(x.sent, 10))
	if x.attempts > 1 {
		add("retry.count", strconv.Itoa(x.attempts-1))
	}
	if x.host != nil {
		add("upstream_address", x.host.address)
	}
	if x.cluster != nil {
		add("upstream_cluster", x.cluster.Name)
		add("upstream_cluster.name", x.cluster.statName)
	}
	add("user_agent", cmp.Or(value(h, "User-Agent"), "-"))
	return tags
}

// peer returns the caller's address without its port.
func (x *exchange) peer() string {
	if x.address == "" {
		x.address = x.r.RemoteAddr
		if ap, err := netip.ParseAddrPort(x.r.RemoteAddr); err == nil {
			x.address = ap.Addr().Unmap().String()
		}
	}
	return x.address
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
