package proxy

import (
	"net/http"
	"testing"

	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/overlay"
	networking "istio.io/api/networking/v1alpha3"
)

// TestCORS: the policy replaces headers of the upstream and of the rule. A response that the proxy sends before it applies the policy, such
// as an injected abort, has no such headers.
func TestCORS(t *testing.T) {
	t.Parallel()
	policy := &networking.CorsPolicy{AllowOrigins: []*networking.StringMatch{{MatchType: &networking.StringMatch_Exact{Exact: "https://a.test"}}}, ExposeHeaders: []string{"x-e"}}
	table, err := mesh.Compile(&overlay.Overlay{
		Services: []overlay.Service{{Meta: overlay.Meta{Kind: "Service", Namespace: "one", Name: "b"}, Selector: map[string]string{"app": "b"}, Ports: []overlay.ServicePort{{Port: 80}}}},
		VirtualServices: []overlay.Istio[*networking.VirtualService]{{Meta: overlay.Meta{Kind: "VirtualService", Namespace: "one", Name: "b"}, Spec: &networking.VirtualService{
			Hosts: []string{"b"}, Http: []*networking.HTTPRoute{{CorsPolicy: policy, Route: []*networking.HTTPRouteDestination{{Destination: &networking.Destination{Host: "b"}}}}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	up := script(t, func(string) string {
		return "HTTP/1.1 200 OK\r\naccess-control-allow-origin: up\r\naccess-control-allow-methods: up\r\ncontent-length: 0\r\n\r\n"
	})
	route := routeTo(service("middle"))
	route.CORS = table.Decide(&mesh.Request{Authority: "b", Path: "/", Port: 80}, &mesh.Source{Namespace: "one"}, 0).Route.CORS
	route.Headers.ResponseSet = []mesh.Header{{Name: "access-control-expose-headers", Value: "rule"}}
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up))
	wantHeaders(t, b.get("http://middle/", "Origin: https://a.test").Header, map[string]string{"access-control-allow-origin": "https://a.test",
		"access-control-allow-methods": "up", "access-control-expose-headers": "x-e"})
	wantHeaders(t, b.get("http://middle/", "Origin: https://evil.test").Header, map[string]string{"access-control-allow-origin": "up",
		"access-control-allow-methods": "up", "access-control-expose-headers": "rule"})

	aborted := newBench(t, Options{}, decided(mesh.Decision{Outcome: mesh.Forward, Route: route, To: &route.Destinations[0], Abort: http.StatusTeapot}), podOf("middle", "middle-1", up))
	wantHeaders(t, aborted.get("http://middle/", "Origin: https://a.test").Header, map[string]string{"access-control-allow-origin": "", "access-control-expose-headers": "rule"})
}
