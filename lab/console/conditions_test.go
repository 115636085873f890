package console

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/gatewayapi"
	"github.com/hopline/hopline/lab/mesh"
)

// TestConditions: the conditions of the running Gateways and HTTPRoutes, one of which is not true.
func TestConditions(t *testing.T) {
	t.Parallel()
	const rules = `
apiVersion: v1
kind: Service
metadata: {name: a, namespace: shop}
spec: {selector: {app: a}, ports: [{name: http, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a, namespace: shop}
spec:
  parentRefs: [{name: web, sectionName: plain}, {group: "", kind: Service, name: a}]
  rules: [{backendRefs: [{name: a, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
`
	source := &lab{}
	_, url, _ := serve(t, source)
	if code, body := get(t, url+"/api/conditions"); code != 503 {
		t.Errorf("before the first edition: %d %s, want 503", code, body)
	}
	o, table, err := mesh.LoadLenient([]string{"-"}, strings.NewReader(rules), func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	source.set(func(l *lab) { l.edition = Edition{Overlay: o, Table: table} })
	code, body := get(t, url+"/api/conditions")
	var got struct{ Conditions []gatewayapi.Condition }
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != 200 {
		t.Fatalf("%d %v: %s", code, err, body)
	}
	for _, want := range []gatewayapi.Condition{
		{Object: "Gateway.gateway.networking.k8s.io shop/web", Type: "Programmed", True: true, Reason: "Programmed"},
		{Object: "HTTPRoute shop/a", Of: "Service shop/a", Type: "ResolvedRefs", True: true, Reason: "ResolvedRefs"},
		{Object: "HTTPRoute shop/a", Of: "Gateway shop/web listener plain", Type: "Accepted", Reason: "NoMatchingParent", Message: "no listener has the name plain", Path: "spec.parentRefs[0].sectionName"},
	} {
		if !slices.Contains(got.Conditions, want) {
			t.Errorf("want %+v, got %s", want, body)
		}
	}

	o, table, err = mesh.LoadLenient([]string{"-"}, strings.NewReader(strings.Split(rules, "---")[0]), func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	source.set(func(l *lab) { l.edition = Edition{Overlay: o, Table: table} })
	if _, body := get(t, url+"/api/conditions"); body != "{\"conditions\":[]}\n" {
		t.Errorf("without the Gateway API: %s", body)
	}
}
