package proxy

import (
	"testing"

	"github.com/hopline/hopline/lab/mesh"
)

// TestEgressGateway sends a request to the world outside by way of the egress gateway: a hop with a span of its own, below that of the caller's sidecar.
func TestEgressGateway(t *testing.T) {
	t.Parallel()
	outside := newEcho(t, "outside")
	toGateway := routeTo(&mesh.Cluster{Name: "outbound|80||istio-egressgateway.istio-system.svc.cluster.local", Host: "istio-egressgateway.istio-system.svc.cluster.local",
		Known: true, Gateway: "istio-egressgateway", GatewayPort: 80})
	onward := routeTo(service("worldtimeapi"))
	r := &rules{clusters: []*mesh.Cluster{toGateway.Destinations[0].Cluster, onward.Destinations[0].Cluster},
		decide: func(q *mesh.Request, from *mesh.Source) mesh.Decision {
			if from.Workload == "istio-egressgateway" {
				if q.Port != 80 || q.Authority != "worldtimeapi.org" {
					t.Errorf("the gateway is asked for %s, port %d", q.Authority, q.Port)
				}
				return mesh.Decision{Outcome: mesh.Forward, Route: onward, To: &onward.Destinations[0]}
			}
			return mesh.Decision{Outcome: mesh.Forward, Route: toGateway, To: &toGateway.Destinations[0]}
		}}
	var sink spanSink
	b := newBench(t, Options{Span: sink.put}, r, podOf("worldtimeapi", "worldtimeapi-1", outside.address()))
	b.get("http://worldtimeapi.org/api", "x-request-id: mine").want(t, 200, "outside /api ")
	seen, _ := outside.seen()
	wantHeaders(t, seen.Header, map[string]string{"x-request-id": "*", "x-forwarded-for": "127.0.0.1"})
	if seen.Header.Get("x-request-id") == "mine" {
		t.Error("the gateway kept the caller's request id")
	}
	spans := sink.all()
	if len(spans) != 2 {
		t.Fatalf("%d spans, want 2", len(spans))
	}
	gateway, sidecar := spans[0], spans[1] // the inner one ends first
	if gateway.LocalEndpoint.ServiceName != "istio-egressgateway" || sidecar.LocalEndpoint.ServiceName != "front" ||
		gateway.ParentID != sidecar.ID || gateway.TraceID != sidecar.TraceID || seen.Header.Get("x-b3-spanid") != gateway.ID {
		t.Errorf("spans %+v and %+v", sidecar, gateway)
	}
	b.proxy.Swap(r) // the gateway's listener stays
	b.get("http://worldtimeapi.org/api").want(t, 200, "outside /api ")
	if n := len(b.proxy.hops); n != 1 {
		t.Errorf("%d listeners, want 1", n)
	}
}
