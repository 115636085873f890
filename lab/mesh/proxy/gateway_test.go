package proxy

import (
	"net/http"
	"testing"

	"github.com/hopline/hopline/lab/mesh"
)

// TestEgressGateway sends a request out of the mesh through the egress gateway, which reports a span of its own, below that of the caller's
// sidecar.
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
					t.Errorf("the gateway got a request for %s, port %d", q.Authority, q.Port)
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
	if n := len(b.proxy.gateways); n != 1 {
		t.Errorf("%d listeners, want 1", n)
	}
}

// TestPoliciesOfTheEgressGateway checks that they see the calling workload, and that only the mesh's proxies are accepted.
func TestPoliciesOfTheEgressGateway(t *testing.T) {
	t.Parallel()
	outside := newEcho(t, "outside")
	toGateway := routeTo(&mesh.Cluster{Name: "outbound|443||istio-egressgateway.istio-system.svc.cluster.local", Host: "istio-egressgateway.istio-system.svc.cluster.local",
		Known: true, Gateway: "istio-egressgateway", GatewayPort: 443})
	onward := routeTo(service("worldtimeapi"))
	asked := make(chan string, 10)
	r := &rules{clusters: []*mesh.Cluster{toGateway.Destinations[0].Cluster, onward.Destinations[0].Cluster},
		decide: func(_ *mesh.Request, from *mesh.Source) mesh.Decision {
			route := toGateway
			if from.Workload == "istio-egressgateway" {
				route = onward
			}
			return mesh.Decision{Outcome: mesh.Forward, Route: route, To: &route.Destinations[0]}
		},
		authorize: func(from, to *mesh.Source, q *mesh.Request) bool {
			if to.Workload != "istio-egressgateway" {
				return true
			}
			if q.Port != 443 || q.Header.Get(hCaller) != "" {
				t.Errorf("authorized port %d with %v", q.Port, q.Header)
			}
			asked <- from.Principal
			return q.Path != "/blocked"
		}}
	b := newBench(t, Options{}, r, podOf("worldtimeapi", "worldtimeapi-1", outside.address()))
	b.get("http://worldtimeapi.org/blocked", hCaller+": forged").want(t, 403, denied)
	if got := receive(t, "the policy's question", asked); got != "cluster.local/ns/hopline/sa/front" {
		t.Errorf("authorized the path %q", got)
	}
	b.get("http://worldtimeapi.org/open").want(t, 200, "outside /open ")
	if seen, n := outside.seen(); n != 1 || seen.Header.Get(hCaller) != "" {
		t.Errorf("%d requests came through, the last with %v", n, seen.Header)
	}
	direct, _ := http.NewRequest("GET", "http://"+b.proxy.gateways[gatewayPort{"istio-egressgateway", 443}].address+"/open", nil)
	direct.Host = "worldtimeapi.org"
	transport := &http.Transport{DisableKeepAlives: true}
	for _, credentials := range []string{"", "forged"} {
		direct.Header.Set(hCaller, credentials)
		res, err := transport.RoundTrip(direct)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("a caller outside the mesh with credentials %q got %d", credentials, res.StatusCode)
		}
	}
}
