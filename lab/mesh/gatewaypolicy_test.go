package mesh

import (
	"net/http"
	"strings"
	"testing"
)

const gatewaysOfPolicies = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: in, namespace: hopline}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: ["any.test"], tls: {mode: SIMPLE, credentialName: c}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: out, namespace: hopline}
spec:
  selector: {istio: egressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"], tls: {mode: ISTIO_MUTUAL}}
`

// Policies protect a gateway in the same way as a workload of the root namespace. Its port is the port of its pods. Only mutual TLS
// identifies a caller.
func TestAuthorizeAtGateways(t *testing.T) {
	t.Parallel()
	ingress, egress := IngressGateway(), EgressGateway()
	front := &Source{Namespace: "hopline", Principal: "cluster.local/ns/hopline/sa/front"}
	policy := func(namespace, spec string) string {
		return policyHead + "metadata: {name: p, namespace: " + namespace + "}\nspec: {" + spec + "}"
	}
	const atIngress, atEgress = "selector: {matchLabels: {istio: ingressgateway}}, ", "selector: {matchLabels: {istio: egressgateway}}, "
	for name, c := range map[string]struct {
		policy   string
		from, to *Source
		port     int
		want     bool
	}{
		"denied by path":              {policy("istio-system", atIngress+"action: DENY, rules: [{to: [{operation: {notPaths: [\"/test/*\"]}}]}]"), nil, &ingress, 80, false},
		"another path":                {policy("istio-system", atIngress+"action: DENY, rules: [{to: [{operation: {paths: [\"/test/*\"]}}]}]"), nil, &ingress, 80, true},
		"another gateway's":           {policy("istio-system", atEgress+"action: DENY, rules: [{}]"), nil, &ingress, 80, true},
		"by label app":                {policy("istio-system", "selector: {matchLabels: {app: istio-ingressgateway}}"), nil, &ingress, 80, false},
		"of the whole mesh":           {policy("istio-system", ""), nil, &ingress, 80, false},
		"of another namespace":        {policy("hopline", ""), nil, &ingress, 80, true},
		"the pods' port":              {policy("istio-system", "rules: [{to: [{operation: {ports: [\"8080\"]}}]}]"), nil, &ingress, 80, true},
		"not the Service's port":      {policy("istio-system", "rules: [{to: [{operation: {ports: [\"80\"]}}]}]"), nil, &ingress, 80, false},
		"the pods' TLS port":          {policy("istio-system", "rules: [{to: [{operation: {ports: [\"8443\"]}}]}]"), front, &egress, 443, true},
		"a stranger's principal":      {policy("istio-system", "rules: [{from: [{source: {principals: [\"*\"]}}]}]"), nil, &ingress, 80, false},
		"a stranger's namespace":      {policy("istio-system", "rules: [{from: [{source: {notNamespaces: [hopline]}}]}]"), nil, &ingress, 80, true},
		"known by mutual TLS":         {policy("istio-system", "rules: [{from: [{source: {namespaces: [hopline]}}]}]"), front, &egress, 443, true},
		"unknown without mutual TLS":  {policy("istio-system", "rules: [{from: [{source: {namespaces: [hopline]}}]}]"), front, &egress, 80, false},
		"another by mutual TLS":       {policy("istio-system", "rules: [{from: [{source: {notPrincipals: [cluster.local/ns/hopline/sa/front]}}]}]"), front, &egress, 443, false},
		"anybody without mutual TLS":  {policy("istio-system", "rules: [{from: [{source: {notPrincipals: [cluster.local/ns/hopline/sa/front]}}]}]"), front, &egress, 80, true},
		"client at a gateway":         {policy("istio-system", "rules: [{from: [{source: {ipBlocks: [10.0.0.7], remoteIpBlocks: [10.0.0.7]}}]}]"), nil, &ingress, 80, true},
		"client, without mesh":        {policy("istio-system", "rules: [{from: [{source: {ipBlocks: [127.0.0.1]}}]}]"), nil, &ingress, 80, false},
		"forwarded, not trusted":      {policy("istio-system", "rules: [{from: [{source: {remoteIpBlocks: [10.2.0.3]}}]}]"), nil, &ingress, 80, false},
		"no server name":              {policy("istio-system", "rules: [{when: [{key: connection.sni, values: [\"*\"]}]}]"), nil, &ingress, 80, false},
		"server name of a gateway":    {policy("istio-system", "rules: [{when: [{key: connection.sni, values: [any.test]}]}]"), nil, &ingress, 443, true},
		"server name of a cluster":    {policy("istio-system", "rules: [{when: [{key: connection.sni, values: [\"outbound_.443_.*\"]}]}]"), front, &egress, 443, true},
		"the pods' port by when":      {policy("istio-system", "rules: [{when: [{key: destination.port, values: [\"8080\"]}]}]"), nil, &ingress, 80, true},
		"a port that no server opens": {policy("istio-system", "rules: [{from: [{source: {principals: [\"*\"]}}]}]"), front, &egress, 8080, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := compiled(t, gatewaysOfPolicies, c.policy)
			req := &Request{Method: "GET", Authority: "any.test", Path: "/other", Port: c.port, Peer: "10.0.0.7",
				Cluster: "outbound|443||istio-egressgateway.istio-system.svc.cluster.local", Header: http.Header{"X-Forwarded-For": {"10.2.0.3"}}}
			if allowed, by := table.Authorize(c.from, c.to, req); allowed != c.want {
				t.Errorf("got %v by %q, want %v", allowed, by, c.want)
			}
		})
	}
}

// An explanation reports that the gateway denies a request, at the ingress and at the egress, and that a sidecar normalizes a rewritten
// path.
func TestExplainPolicies(t *testing.T) {
	t.Parallel()
	const objects = `
apiVersion: v1
kind: Namespace
metadata: {name: hopline, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: hopline}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: hopline}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{ports: [{containerPort: 8080}]}]}}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside, namespace: hopline}
spec: {hosts: [outside.test], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: hopline}
spec:
  hosts: [web.test]
  gateways: [in]
  http: [{match: [{uri: {prefix: /x}}], rewrite: {uri: /}, headers: {request: {set: {x-a: changed}}}, route: [{destination: {host: web}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: outside, namespace: hopline}
spec:
  hosts: [outside.test]
  http: [{route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local, port: {number: 443}}}]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: in, namespace: istio-system}
spec: {selector: {matchLabels: {istio: ingressgateway}}, action: DENY, rules: [{to: [{operation: {paths: [/x/blocked]}}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: out, namespace: istio-system}
spec: {selector: {matchLabels: {istio: egressgateway}}, rules: [{from: [{source: {principals: [cluster.local/ns/hopline/sa/core]}}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: hopline}
spec: {selector: {matchLabels: {app: web}}, action: DENY, rules: [{to: [{operation: {paths: [/admin]}}]},
  {to: [{operation: {paths: [//changed]}}], when: [{key: "request.headers[x-a]", values: [changed]}]},
  {from: [{source: {remoteIpBlocks: [127.0.0.1], namespaces: [istio-system]}}], to: [{operation: {paths: [//client]}}]}]}
`
	table := compiled(t, gatewaysOfPolicies, objects)
	ingress := IngressGateway()
	front := &Source{Workload: "front", Namespace: "hopline", Principal: "cluster.local/ns/hopline/sa/front"}
	core := &Source{Workload: "core", Namespace: "hopline", Principal: "cluster.local/ns/hopline/sa/core"}
	for _, c := range []struct {
		from       *Source
		host, path string
		want       string
	}{
		{&ingress, "web.test", "/x/blocked", "403: AuthorizationPolicy istio-system/in denies it by rules[0]\n"},
		{&ingress, "nowhere.test", "/x/blocked", "403: AuthorizationPolicy istio-system/in denies it"},
		{&ingress, "web.test", "/x../admin", "web responds with 403: AuthorizationPolicy hopline/web denies it"},
		{&ingress, "web.test", "/x/changed", "web responds with 403: AuthorizationPolicy hopline/web denies it by rules[1]\n"},
		{&ingress, "web.test", "/x/client", "web responds with 403: AuthorizationPolicy hopline/web denies it by rules[2]\n"},
		{&ingress, "web.test", "/x/admin", ""}, // "//admin": slashes are not merged
		{front, "outside.test", "/", "istio-egressgateway responds with 403: no AuthorizationPolicy allows it"},
		{core, "outside.test", "/", ""},
	} {
		got := table.Explain(&Request{Method: "GET", Authority: c.host, Path: c.path, Scheme: "http", Port: 80}, c.from).String()
		if !strings.Contains(got, c.want) || c.want == "" && strings.Contains(got, "403") {
			t.Errorf("%s%s from %s: want %q, got\n%s", c.host, c.path, c.from.Workload, c.want, got)
		}
	}
}
