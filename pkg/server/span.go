package server

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/hopline/hopline/pkg/telemetry"
)

// endSpan sets the name and attributes of the server span and ends it. Both are otelhttp's, checked by a test. It sets them in one call at
// the end, when the route is known.
func (x *record) endSpan(r *http.Request, route string) {
	if x.span.IsRecording() {
		x.span.SetName(spanName(r.Method, route))
		x.span.SetAttributes(x.attributes(r, route)...)
		if x.outcome >= 500 || x.outcome == codeDropped {
			x.span.SetStatus(codes.Error, "")
		}
	}
	x.span.End()
}

// spanName returns the method and the route, or only the method if no route matched.
func spanName(method, route string) string {
	if method = telemetry.Method(method); method == "_OTHER" {
		method = "HTTP"
	}
	if route == unmatched {
		return method
	}
	return method + " " + route
}

// attributes returns the attributes of semconv's HTTP server span. It shortens values that the client chooses freely.
func (x *record) attributes(r *http.Request, route string) []attribute.KeyValue {
	list := make([]attribute.KeyValue, 0, 16)
	host, port := telemetry.SplitHostPort(r.Host)
	peer, peerPort := telemetry.SplitHostPort(r.RemoteAddr)
	list = append(list, semconv.ServerAddress(short(host)), semconv.HTTPRequestMethodKey.String(telemetry.Method(r.Method)), semconv.URLScheme("http"))
	if port > 0 && port != 80 {
		list = append(list, semconv.ServerPort(port))
	}
	if telemetry.Method(r.Method) != r.Method {
		list = append(list, semconv.HTTPRequestMethodOriginal(short(r.Method)))
	}
	if peer != "" {
		list = append(list, semconv.NetworkPeerAddress(peer))
	}
	if peerPort > 0 {
		list = append(list, semconv.NetworkPeerPort(peerPort))
	}
	if agent := r.Header["User-Agent"]; len(agent) > 0 && agent[0] != "" {
		list = append(list, semconv.UserAgentOriginal(short(agent[0])))
	}
	if client := clientAddress(r, peer); client != "" {
		list = append(list, semconv.ClientAddress(short(client)))
	}
	if r.URL.Path != "" {
		list = append(list, semconv.URLPath(short(r.URL.Path)))
	}
	list = append(list, semconv.NetworkProtocolVersion(strings.TrimPrefix(r.Proto, "HTTP/")))
	if route != unmatched {
		list = append(list, semconv.HTTPRoute(route))
	}
	if x.body.read > 0 {
		list = append(list, semconv.HTTPRequestBodySize(int(x.body.read)))
	}
	if x.written > 0 {
		list = append(list, semconv.HTTPResponseBodySize(int(x.written)))
	}
	if x.outcome != codeDropped {
		list = append(list, semconv.HTTPResponseStatusCode(x.outcome))
	}
	if x.faults != "" {
		list = append(list, attribute.String("fault.injected", x.faults))
	}
	return list
}

// clientAddress returns the first address of x-forwarded-for, or the peer.
func clientAddress(r *http.Request, peer string) string {
	if list := r.Header["X-Forwarded-For"]; len(list) > 0 {
		if first, _, _ := strings.Cut(list[0], ","); first != "" {
			return first
		}
	}
	return peer
}
