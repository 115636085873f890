package mesh

import "testing"

// If a server names the port of the gateway's pod instead of the Service's port, requests reach it by the Service's port, and a rule's port
// is the port that the server names. Verified with Istio 1.31.
func TestServerOnThePodsPort(t *testing.T) {
	t.Parallel()
	table := compiled(t, file(t, "base.yaml"), `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: pod, namespace: one}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: [a.test]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: service, namespace: one}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [b.test]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: one}
spec:
  hosts: [a.test, b.test]
  gateways: [pod, service]
  http:
    - {name: of-80, match: [{port: 80, uri: {exact: /80}}], route: [{destination: {host: a}}]}
    - {name: of-8080, match: [{port: 8080, uri: {exact: /8080}}], route: [{destination: {host: a}}]}
    - {name: rest, route: [{destination: {host: b}}]}
`)
	gateway := IngressGateway()
	for _, test := range []struct {
		host, path, rule string
		port             int // port of b, which has several ports; the destination names none
	}{
		{"a.test", "/80", "rest", 8080}, {"a.test", "/8080", "of-8080", 80}, {"b.test", "/80", "of-80", 80}, {"b.test", "/8080", "rest", 80},
	} {
		d := table.Decide(&Request{Method: "GET", Authority: test.host, Path: test.path, Scheme: "http", Port: 80}, &gateway, 0)
		if d.Outcome != Forward || d.Route.Rule != test.rule || d.To.Cluster.Port != test.port {
			t.Errorf("%s%s: got %+v, want rule %s and port %d", test.host, test.path, d, test.rule, test.port)
		}
	}
	if got := table.GatewayPorts(&gateway); len(got) != 1 || got[0] != 80 {
		t.Errorf("the gateway's ports are %v, want 80", got)
	}
}

// Requests from outside enter at the ingress gateway of Istio's Helm chart if Gateways select it and not istioctl's. Labels that no
// installation has are a mistake.
func TestGatewayOfHelm(t *testing.T) {
	t.Parallel()
	gateway := func(selector string) string {
		return `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: one}
spec: {selector: ` + selector + `, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: one}
spec: {hosts: [web.test], gateways: [gw], http: [{route: [{destination: {host: a}}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no, namespace: istio-ingress}
spec: {action: DENY, rules: [{to: [{operation: {paths: [/no]}}]}]}
`
	}
	for selector, want := range map[string]string{
		"{istio: ingress}": "istio-ingress", "{app: istio-ingress, istio: ingress}": "istio-ingress", "{app: istio-ingress}": "istio-ingress",
		"{istio: ingressgateway}": "istio-ingressgateway", "{istio: ingres}": "",
	} {
		o := objects(t, file(t, "base.yaml"), gateway(selector))
		table, err := Compile(o)
		if err != nil {
			t.Fatal(err)
		}
		entry, err := table.EntryGateway()
		if err != nil {
			t.Fatal(err)
		}
		req := Request{Method: "GET", Authority: "web.test", Path: "/", Scheme: "http", Port: 80}
		e := table.Explain(&req, &entry)
		if (e.Outcome == Forward) != (want != "") || want != "" && entry.Workload != want {
			t.Errorf("%s: outcome %v at %s, want %q", selector, e.Outcome, entry.Workload, want)
		}
		req.Path = "/no"
		if e = table.Explain(&req, &entry); (e.Refusal != "") != (want == "istio-ingress") {
			t.Errorf("%s: refusal %q", selector, e.Refusal)
		}
		if got := len(table.Unreached()) > 0; got != (want == "") {
			t.Errorf("%s: unreached %v", selector, table.Unreached())
		}
	}
}
