package proxy

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hopline/hopline/lab/mesh"
)

// Names that the proxy reads or writes, in canonical form, so that maps can be used directly.
const (
	hRequestID    = "X-Request-Id"
	hForwardedFor = "X-Forwarded-For"
	hForwardedPro = "X-Forwarded-Proto"
	hOriginalPath = "X-Envoy-Original-Path"
	hExpected     = "X-Envoy-Expected-Rq-Timeout-Ms"
	hDecorator    = "X-Envoy-Decorator-Operation"
	hServiceTime  = "X-Envoy-Upstream-Service-Time"
	hAttempts     = "X-Envoy-Attempt-Count"
	serverName    = "hopline"
)

// target is the path and query as the request line had them, without scheme and authority.
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

// admissible refuses what Envoy's listener would: too many headers, upgrades other than to WebSocket, paths that cannot be normalised.
func (x *exchange) admissible() bool {
	if tooMany(x.r.Header) {
		x.answer(http.StatusRequestHeaderFieldsTooLarge, "")
		return false
	}
	if u := x.r.Header.Get("Upgrade"); u != "" && hasToken(x.r.Header.Get("Connection"), "upgrade") {
		if !strings.EqualFold(u, "websocket") {
			x.answer(http.StatusForbidden, "")
			return false
		}
		x.upgrade = true
	}
	path, ok := mesh.NormalizePath(x.req.Path)
	if !ok {
		x.answer(http.StatusBadRequest, "")
		return false
	}
	x.req.Path = path
	return true
}

// maxFields is how many headers a request may have, Envoy's default.
const maxFields = 100

func tooMany(h http.Header) bool {
	if len(h) > maxFields {
		return true
	}
	n := 0
	for _, v := range h {
		n += len(v)
	}
	return n > maxFields
}

// edgeHeaders does what Envoy does before it routes. At a gateway nothing that the request says about itself is trusted.
func (x *exchange) edgeHeaders() {
	h := x.r.Header
	dropHopByHop(h)
	if x.in.edge {
		for name := range h {
			if strings.HasPrefix(name, "X-Envoy-") {
				delete(h, name)
			}
		}
		if ip, _, err := net.SplitHostPort(x.r.RemoteAddr); err == nil {
			if had := h[hForwardedFor]; len(had) > 0 {
				ip = strings.Join(had, ",") + "," + ip
			}
			h[hForwardedFor] = []string{ip}
		}
		h[hForwardedPro] = []string{"http"}
	} else if len(h[hForwardedPro]) == 0 {
		h[hForwardedPro] = []string{"http"}
	}
	if x.in.edge || len(h[hRequestID]) == 0 {
		h[hRequestID] = []string{newRequestID()}
	}
}

// dropHopByHop removes what concerns one connection only (RFC 9110, section 7.6.1).
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
		if hasToken(te[0], "trailers") {
			h["Te"] = []string{"trailers"}
		}
	}
}

// rewrite applies the route's changes to headers, authority and path.
func (x *exchange) rewrite() {
	h, to := x.r.Header, x.d.To
	if len(x.d.Route.Destinations) > 1 {
		applyRequest(h, &to.Headers)
	}
	applyRequest(h, &x.d.Route.Headers)
	x.at = x.req
	if rw := x.d.Route.Rewrite; rw != nil {
		if rw.Authority != "" {
			x.at.Authority = rw.Authority
		}
		if rw.URI != nil {
			if path := rw.URI(x.req.Path); path != x.req.Path {
				h[hOriginalPath] = []string{x.req.Path}
				x.at.Path = path
			}
		}
	}
	if to.Authority != "" && (x.d.Route.Rewrite == nil || x.d.Route.Rewrite.Authority == "") {
		x.at.Authority = to.Authority
	}
	if !x.in.source.Gateway && x.d.Route.Decorator != "" {
		h[hDecorator] = []string{x.d.Route.Decorator}
	}
	x.trace.inject(h)
}

func applyRequest(h http.Header, o *mesh.HeaderOps) {
	for _, name := range o.RequestRemove {
		h.Del(name)
	}
	for _, f := range o.RequestSet {
		h.Set(f.Name, f.Value)
	}
	for _, f := range o.RequestAdd {
		h.Add(f.Name, f.Value)
	}
}

func applyResponse(h http.Header, o *mesh.HeaderOps) {
	for _, name := range o.ResponseRemove {
		h.Del(name)
	}
	for _, f := range o.ResponseSet {
		h.Set(f.Name, f.Value)
	}
	for _, f := range o.ResponseAdd {
		h.Add(f.Name, f.Value)
	}
}

// answerHeaders applies the route's changes to an answer's headers.
func (x *exchange) answerHeaders() {
	if x.d.Route == nil {
		return
	}
	h := x.w.Header()
	if x.d.To != nil && len(x.d.Route.Destinations) > 1 {
		applyResponse(h, &x.d.To.Headers)
	}
	applyResponse(h, &x.d.Route.Headers)
}

// appendHead writes the request's head for the upstream, but for what differs from try to try and the blank line.
func (x *exchange) appendHead(b []byte) []byte {
	b = append(b, x.req.Method...)
	b = append(b, ' ')
	b = append(b, x.at.Path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, x.at.Authority...)
	b = append(b, "\r\n"...)
	if x.upgrade {
		b = append(b, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	}
	switch n := x.r.ContentLength; {
	case x.body != nil && n < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case n > 0 || n == 0 && len(x.r.Header["Content-Length"]) > 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, n, 10)
		b = append(b, "\r\n"...)
	}
	for name, values := range x.r.Header {
		if name == "Content-Length" || name == hAttempts || name == hExpected {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// appendTry completes the head for a try.
func (x *exchange) appendTry(b []byte) []byte {
	b = append(b, hAttempts+": "...)
	b = strconv.AppendInt(b, int64(x.attempts), 10)
	b = append(b, "\r\n"...)
	if expected := x.expected(); expected > 0 {
		b = append(b, hExpected+": "...)
		b = strconv.AppendInt(b, expected.Milliseconds(), 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// expected is how long a try may take: its own limit, or what is left of the request's.
func (x *exchange) expected() time.Duration {
	limit := x.retries.PerTry
	if x.timeout > 0 {
		left := x.timeout
		if !x.deadline.IsZero() && x.attempts > 1 {
			left = max(time.Until(x.deadline), time.Millisecond)
		}
		if limit == 0 || left < limit {
			limit = left
		}
	}
	return limit
}
