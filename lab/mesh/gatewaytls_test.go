package mesh

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const gatewayTLS = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: one}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP2}, hosts: ["*"]}
  - {port: {number: 8080, name: moved, protocol: HTTP}, hosts: [moved.test, unruled.test, "*/owned.test", "one/bogus.test"], tls: {httpsRedirect: true}}
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [moved.test, "*.wide.test"], tls: {mode: SIMPLE, credentialName: c, httpsRedirect: true}}
  - {port: {number: 8443, name: narrow, protocol: HTTPS}, hosts: [a.wide.test], tls: {mode: SIMPLE, credentialName: d}}
  - {port: {number: 15443, name: through, protocol: TLS}, hosts: [moved.test], tls: {mode: PASSTHROUGH}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: other, namespace: one}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 443, name: o, protocol: HTTPS}, hosts: [b.wide.test], tls: {mode: SIMPLE, credentialName: e}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v, namespace: one}
spec: {hosts: ["*"], gateways: [gw], http: [{match: [{uri: {prefix: /}}], route: [{destination: {host: a}}]}, {redirect: {uri: /x}}]}
`

// TestGatewayTLS: a redirect to https takes all requests for its hosts. With TLS only the server with the narrowest host serves a request.
func TestGatewayTLS(t *testing.T) {
	t.Parallel()
	o := objects(t, file(t, "base.yaml"), gatewayTLS)
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	src := IngressGateway()
	for request, want := range map[string]string{
		"80 any.test/a":          "to a",
		"80 moved.test:8080/a?b": "301 https://moved.test:8080/a?b",
		"80 unruled.test/":       "301 https://unruled.test/",
		"80 owned.test/":         "301 https://owned.test/",
		"80 bogus.test/":         "301 https://bogus.test/",
		"443 moved.test/":        "to a",
		"443 x.wide.test/":       "to a",
		"443 a.wide.test/":       "to a",
		"443 b.wide.test/":       "404", // the server of the other Gateway has no VirtualService
		"443 any.test/":          "404",
		"15443 moved.test/":      "404",
	} {
		port, address, _ := strings.Cut(request, " ")
		authority, path, _ := strings.Cut(address, "/")
		req := &Request{Method: "GET", Authority: authority, Path: "/" + path, Scheme: map[string]string{"80": "http"}[port], Port: map[string]int{"80": 80, "443": 443, "15443": 15443}[port]}
		e := table.Explain(req, &src)
		got := map[int]string{404: "404"}[e.Status()]
		if e.Outcome == Redirect {
			got = "301 " + e.To
		} else if e.Outcome == Forward {
			got = "to " + strings.Split(e.Shares[0].Cluster.Host, ".")[0]
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
		if d := table.Decide(req, &src, 1); sameRule(e, d) != "" {
			t.Errorf("%s: %s differs: %+v and\n%s", request, sameRule(e, d), d, e)
		}
	}
	want := []string{"Gateway one/gw: spec.servers[2].tls: requests are routed as if they had arrived without TLS; no certificate is checked",
		"Gateway one/gw: spec.servers[3].tls: requests are routed as if they had arrived without TLS; no certificate is checked",
		"Gateway one/gw: spec.servers[4]: port 15443 is TLS with tls.mode PASSTHROUGH, which the lab does not carry",
		"Gateway one/other: spec.servers[0].tls: requests are routed as if they had arrived without TLS; no certificate is checked"}
	if diff := cmp.Diff(want, table.NotCarried()); diff != "" {
		t.Errorf("not carried (-want +got):\n%s", diff)
	}
	passed := table.Explain(&Request{Method: "GET", Authority: "moved.test", Path: "/", Port: 15443}, &src)
	if diff := cmp.Diff([]string{want[2]}, passed.Near[:1]); diff != "" {
		t.Errorf("notes on a request that is passed through (-want +got):\n%s", diff)
	}
}
