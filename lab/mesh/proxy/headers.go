package proxy

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/hopline/hopline/lab/internal/wire"

	"github.com/hopline/hopline/lab/mesh"
)

// Names that the proxy reads or writes, in canonical form, so that maps can be used directly.
const (
	hRequestID    = "X-Request-Id"
	hForwardedFor = "X-Forwarded-For"
	hForwardedPro = "X-Forwarded-Proto"
	hExternal     = "X-Envoy-External-Address"
	hInternal     = "X-Envoy-Internal"
	hOriginalPath = "X-Envoy-Original-Path"
	hOriginalHost = "X-Envoy-Original-Host"
	hExpected     = "X-Envoy-Expected-Rq-Timeout-Ms"
	hDecorator    = "X-Envoy-Decorator-Operation"
	hServiceTime  = "X-Envoy-Upstream-Service-Time"
	hAttempts     = "X-Envoy-Attempt-Count"
	hClientCert   = "X-Forwarded-Client-Cert"
	hCredentials  = "Proxy-Authorization"
	hCaller       = "X-Hopline-Caller"  // a caller's credentials, on its way to a gateway in the mesh
	hCluster      = "X-Hopline-Cluster" // the cluster by which it sends the request, on the same way
	serverName    = "hopline"
)

// target returns the path and query as in the request line, without scheme and authority.
func target(r *http.Request) string {
	uri := r.RequestURI
	if strings.HasPrefix(uri, "/") {
		return uri
	}
	if _, rest, ok := strings.Cut(uri, "://"); ok {
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			if rest[i] == '?' {
				return "/" + rest[i:]
			}
			return rest[i:]
		}
		return "/"
	}
	return uri // "*"
}

// removedAlways holds Envoy's own headers that no request may carry, and removedFromOutside those that only requests from within the mesh
// may carry. (Envoy's ConnectionManagerUtility::cleanInternalHeaders, as observed on Istio's sidecars and gateways.)
var (
	removedAlways = canonical("x-envoy-max-retries", "x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-retriable-status-codes",
		"x-envoy-retriable-header-names", "x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-rq-per-try-timeout-ms",
		"x-envoy-upstream-rq-timeout-alt-response", "x-envoy-upstream-stream-duration-ms", "x-envoy-hedge-on-per-try-timeout",
		"x-envoy-expected-rq-timeout-ms", "x-envoy-force-trace", "x-envoy-ip-tags", "x-envoy-internal", "x-envoy-upstream-alt-stat-name",
		"x-envoy-original-url", "x-envoy-decorator-operation", "x-envoy-attempt-count",
		"x-envoy-peer-metadata", "x-envoy-peer-metadata-id") // the last two are Istio's: its sidecars remove them
	removedFromOutside = canonical("x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node", "x-envoy-original-path",
		"x-envoy-original-host", "x-envoy-external-address")
)

func canonical(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[http.CanonicalHeaderKey(n)] = true
	}
	return m
}

// sanitizeHeaders changes headers as Envoy does before it routes. Only a gateway appends the caller's address and creates a new request id.
func (x *exchange) sanitizeHeaders() {
	h := x.r.Header
	dropHopByHop(h)
	delete(h, hClientCert) // without mutual TLS Envoy accepts none, at gateways (SANITIZE_SET) and sidecars alike
	for name, values := range h {
		if strings.HasPrefix(name, "X-Envoy-") && (removedAlways[name] || x.in.untrusted && removedFromOutside[name]) {
			delete(h, name)
		} else if len(values) > 1 {
			h[name] = mesh.JoinedValues(name, values)
		}
	}
	if !x.in.untrusted {
		if len(h[hForwardedPro]) == 0 {
			h[hForwardedPro] = []string{"http"}
		}
		if len(h[hRequestID]) == 0 {
			h[hRequestID] = []string{uuid.NewString()}
		}
		return
	}
	ip := x.peer()
	v := []string{"http", uuid.NewString(), ip, ip}
	h[hForwardedPro], h[hRequestID], h[hExternal] = v[0:1:1], v[1:2:2], v[2:3:3]
	if had := h[hForwardedFor]; len(had) > 0 {
		v[3] = strings.Join(had, ",") + "," + ip
	}
	h[hForwardedFor] = v[3:4:4]
}

// dropHopByHop removes the headers that concern only one connection (RFC 9110, section 7.6.1).
func dropHopByHop(h http.Header) {
	for _, v := range h["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" {
				h.Del(name)
			}
		}
	}
	delete(h, "Connection")
	delete(h, "Keep-Alive")
	delete(h, "Proxy-Connection")
	delete(h, "Transfer-Encoding")
	delete(h, "Upgrade")
	delete(h, "Trailer")
	if te := h["Te"]; len(te) > 0 {
		delete(h, "Te")
		if wire.HasToken(te[0], "trailers") {
			h["Te"] = []string{"trailers"}
		}
	}
}

// rewrite applies the route's changes to headers, authority and path. It sends the original values to the upstream in X-Envoy-Original-*,
// even if the rule changed nothing.
func (x *exchange) rewrite() {
	h, to := x.r.Header, x.d.To
	to.Headers.ApplyToRequest(h)
	x.d.Route.Headers.ApplyToRequest(h)
	x.at = x.req
	x.at.Cluster = to.Cluster.Name
	if to.Authority != "" { // Envoy does not report this change: its result counts as the original below
		x.at.Authority = to.Authority
	}
	if rw := x.d.Route.Rewrite; rw != nil {
		if rw.Authority != "" {
			h[hOriginalHost] = []string{x.at.Authority}
			x.at.Authority = rw.Authority
		}
		if rw.URI != nil {
			h[hOriginalPath] = []string{x.req.Path}
			x.at.Path = clean(rw.URI(x.req.Path))
		}
	}
	x.path = x.at.Path
	if x.d.Route.Decorator != "" {
		h[hDecorator] = []string{x.d.Route.Decorator}
	}
	x.trace.inject(h)
}

// clean escapes characters that a rewrite may produce and that are invalid in a request line.
func clean(path string) string {
	bad := func(c byte) bool { return c <= ' ' || c == 0x7f }
	i := 0
	for i < len(path) && !bad(path[i]) {
		i++
	}
	if i == len(path) {
		return path
	}
	var b strings.Builder
	for _, c := range []byte(path) {
		if bad(c) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// addRouteHeaders applies the route's changes to the response's headers.
func (x *exchange) addRouteHeaders() {
	if x.d.Route == nil {
		return
	}
	h := x.w.Header()
	if x.d.To != nil {
		x.d.To.Headers.ApplyToResponse(h)
	}
	x.d.Route.Headers.ApplyToResponse(h)
	for _, f := range x.cors {
		h.Set(f.Name, f.Value)
	}
}

// appendHead appends the request's head for the upstream, without what differs between tries and what frames the body.
func (x *exchange) appendHead(b []byte) []byte {
	b = wire.AppendRequestLine(b, x.req.Method, x.at.Path, x.at.Authority)
	if x.upgrade {
		b = append(b, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	}
	for name, values := range x.r.Header {
		if name == hAttempts || name == hExpected {
			continue
		}
		for _, v := range values {
			b = wire.AppendField(b, name, v)
		}
	}
	return b
}

// bodiless reports whether a method is expected to have no body. For any other method Envoy sends the length to upstreams, even 0.
func bodiless(method string) bool {
	switch method {
	case "GET", "HEAD", "DELETE", "TRACE", "CONNECT":
		return true
	}
	return false
}

// frame returns how the body is framed for the upstream.
func (x *exchange) frame() wire.Body {
	switch {
	case x.body != nil && x.r.ContentLength < 0:
		return wire.Chunked
	case x.body != nil:
		return wire.Body(x.r.ContentLength)
	case len(x.r.Header["Content-Length"]) > 0 || !bodiless(x.req.Method) && !x.noSidecar:
		return 0
	}
	return wire.None
}

// appendTry appends what differs between tries.
func (x *exchange) appendTry(b []byte) []byte {
	if x.noSidecar {
		return b
	}
	b = append(b, hAttempts+": "...)
	b = strconv.AppendInt(b, int64(max(1, x.attempts)), 10)
	b = append(b, "\r\n"...)
	if x.cluster.Gateway != "" {
		b = x.in.appendIdentity(b, x.cluster.Cluster)
	}
	if expected := x.expected(); expected > 0 {
		b = append(b, hExpected+": "...)
		b = strconv.AppendInt(b, expected.Milliseconds(), 10)
		b = append(b, "\r\n"...)
	}
	return b
}

// expected returns how long a try may take: its own limit, or the rest of the request's. For an upgrade Envoy names the whole timeout each time.
func (x *exchange) expected() time.Duration {
	limit := x.retries.PerTry
	if x.timeout > 0 {
		left := x.timeout
		if deadline := x.deadlines.at(); !deadline.IsZero() && x.attempts > 1 && !x.upgrade {
			left = max(time.Until(deadline), time.Millisecond)
		}
		if limit == 0 || left < limit {
			limit = left
		}
	}
	return limit
}
