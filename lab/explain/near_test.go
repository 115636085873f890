package explain

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// printed returns what the command prints about a request, with the rules of some documents.
func printed(t *testing.T, c Command, documents string) string {
	t.Helper()
	c.Method, c.Files = "GET", []string{"-"}
	var out bytes.Buffer
	if err := c.Execute(t.Context(), strings.NewReader(documents), &out); err != nil && !errors.Is(err, ErrNotRouted) {
		t.Fatal(err)
	}
	return out.String()
}

// TestNearRoutes: the notes of a request that no rule routes name HTTPRoutes, and why their rules do not apply.
func TestNearRoutes(t *testing.T) {
	t.Parallel()
	const rules = `
apiVersion: v1
kind: Service
metadata: {name: b, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: outside, namespace: shop}
spec:
  parentRefs: [{name: gateway, namespace: istio-system}]
  hostnames: [shop.test]
  rules: [{backendRefs: [{name: b, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: of-others, namespace: other}
spec:
  parentRefs: [{group: "", kind: Service, name: b, namespace: shop}]
  rules: [{matches: [{path: {type: Exact, value: /x}}], backendRefs: [{name: c, port: 80}]}]
`
	for want, c := range map[string]Command{
		"note no VirtualService and no HTTPRoute at istio-ingressgateway has the host nowhere.test: they have shop.test":                                                                                          {URL: "http://nowhere.test/"},
		"note HTTPRoute other/of-others has the host, and is not used: its parent is a Service, which means requests from inside":                                                                                 {URL: "http://b.shop.svc.cluster.local/"},
		"note HTTPRoute other/of-others has the host, and is not used: its rules apply to callers of its namespace other, and to Services of that namespace":                                                      {URL: "http://b.shop.svc.cluster.local/x", From: "shop/"},
		"note HTTPRoute shop/outside has the host, and is not used: its parent is Gateway.gateway.networking.k8s.io istio-system/gateway, and a workload calls from inside the mesh: add the Service as a parent": {URL: "http://shop.test/", From: "shop/"},
	} {
		if text := printed(t, c, rules); !strings.Contains(text, want+"\n") {
			t.Errorf("want %s, got\n%s", want, text)
		}
	}
}

// TestConditionsOfAll: with --conditions the status of all Gateways and HTTPRoutes is printed, also what is true.
func TestConditionsOfAll(t *testing.T) {
	t.Parallel()
	const rules = `
apiVersion: v1
kind: Service
metadata: {name: b, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: b, namespace: shop}
spec:
  parentRefs: [{group: "", kind: Service, name: b}]
  rules: [{backendRefs: [{name: b, namespace: shop, port: 80}, {kind: Bucket, name: c, port: 80}]}]
`
	print := func(documents string, more Command) string {
		more.URL, more.From = "http://b/", "shop/"
		return printed(t, more, documents)
	}
	const resolved = "HTTPRoute shop/b at Service shop/b: ResolvedRefs is False (InvalidKind): "
	text := print(rules, Command{Conditions: true})
	if !strings.Contains(text, "\nHTTPRoute shop/b at Service shop/b: Accepted is True\n"+resolved) {
		t.Errorf("got\n%s", text)
	}
	if text := print(rules, Command{}); strings.Contains(text, "is True") || !strings.Contains(text, "  note "+resolved) {
		t.Errorf("without the flag, got\n%s", text)
	}
	if text := print(rules, Command{Conditions: true, JSON: true}); !strings.Contains(text, `"type": "Accepted"`) || !strings.Contains(text, `"true": true`) {
		t.Errorf("as JSON, got\n%s", text)
	}
	if text := print(rules, Command{JSON: true}); strings.Contains(text, `"conditions"`) {
		t.Errorf("as JSON without the flag, got\n%s", text)
	}
	none, _, _ := strings.Cut(rules, "---")
	if text := print(none, Command{Conditions: true}); !strings.Contains(text, "\nno Gateway and no HTTPRoute of the Gateway API, so no conditions\n") {
		t.Errorf("without the Gateway API, got\n%s", text)
	}
	if text := print(none, Command{Conditions: true, JSON: true}); !strings.Contains(text, `"conditions": []`) {
		t.Errorf("as JSON without the Gateway API, got\n%s", text)
	}
}
