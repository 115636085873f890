package proxy

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/zipkin"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	var sink spanSink
	up := handle(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
	route := routeTo(service("middle"))
	route.Retries = mesh.Retries{Attempts: 1, On: istio.RetryOn5xx}
	b := newBench(t, Options{Span: sink.put}, toRoute(route), podOf("middle", "middle-1", up))
	b.do("POST", "http://middle/x", strings.NewReader("hello"), "user-agent: test", "x-request-id: mine")
	res, err := http.Get(b.ingress.URL + "/y")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	b.proxy.Swap(decided(mesh.Decision{Outcome: mesh.NoRoute}))
	b.get("http://middle/z")
	spans := sink.all()
	if len(spans) != 3 {
		t.Fatalf("%d spans, want 3: one for each request, regardless of its tries", len(spans))
	}
	s := spans[0]
	if s.Kind != zipkin.Client || s.Name != "test.hopline.svc.cluster.local:80/*" || s.LocalEndpoint.ServiceName != "front" || s.Duration < 1 || s.Timestamp == 0 ||
		s.RemoteEndpoint.ServiceName != "middle" || s.RemoteEndpoint.IPv4 != "127.0.0.1" {
		t.Errorf("span %+v", s)
	}
	for k, want := range map[string]string{"component": "proxy", "http.method": "POST", "http.url": "http://middle/x", "http.status_code": "503",
		"http.protocol": "HTTP/1.1", "user_agent": "test", "guid:x-request-id": "mine", "request_size": "5", "response_size": "0",
		"upstream_cluster": "outbound|80||middle.hopline.svc.cluster.local", "upstream_cluster.name": "outbound|80||middle.hopline.svc.cluster.local;",
		"response_flags": "URX", "error": "true", "istio.canonical_service": "front", "istio.canonical_revision": "prod", "istio.namespace": "hopline",
		"node_id": "sidecar~127.0.0.1~front-1.hopline~hopline.svc.cluster.local", "peer.address": "127.0.0.1", "retry.count": "1"} {
		if got := s.Tags.Get(k); got != want {
			t.Errorf("tag %s: %q, want %q", k, got, want)
		}
	}
	if s := spans[1]; s.LocalEndpoint.ServiceName != "istio-ingressgateway" || s.ParentID != "" || s.Tags.Get("istio.namespace") != "istio-system" {
		t.Errorf("the gateway's span %+v", s)
	}
	if s := spans[2]; s.Name != "egress middle" || s.Tags.Get("response_flags") != "NR" || s.RemoteEndpoint != nil {
		t.Errorf("the span of a request without a route %+v", s)
	}
}
