package gatewayapi

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/hopline/hopline/lab/overlay"
)

// read reads objects leniently, from YAML.
func read(t *testing.T, text string) *overlay.Overlay {
	t.Helper()
	file := filepath.Join(t.TempDir(), "objects.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o, _, err := overlay.Read([]string{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

const gatewayAndServices = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: istio-system}
spec:
  gatewayClassName: istio
  addresses: [{type: Hostname, value: istio-ingressgateway}]
  listeners:
  - {name: any, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: own, port: 80, protocol: HTTP, hostname: "*.own.test"}
  - {name: absent, port: 81, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: app}
spec: {selector: {app: a}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: other}
spec: {selector: {app: a}, ports: [{name: http, port: 80}]}
---
`

// TestOrder: the rules of several routes for one host are sorted by the precedence of the Gateway API, and keep their origin.
func TestOrder(t *testing.T) {
	t.Parallel()
	rules := Convert(read(t, gatewayAndServices+`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: b, namespace: app, creationTimestamp: "2020-01-01T00:00:00Z"}
spec:
  parentRefs: [{group: "", kind: Service, name: a}]
  rules:
  - {name: all, backendRefs: [{name: a, port: 80}]}
  - matches: [{path: {value: /x}}, {path: {type: RegularExpression, value: /long-expression.*}}]
    backendRefs: [{name: a, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a, namespace: app, creationTimestamp: "2021-01-01T00:00:00Z"}
spec:
  parentRefs: [{group: "", kind: Service, name: a}]
  rules:
  - matches: [{path: {type: Exact, value: /}}, {path: {value: /x}, method: GET}, {path: {value: /x}, headers: [{name: h, value: v}]}]
    backendRefs: [{name: a, port: 80}]
  - {name: younger, matches: [{path: {value: /x}}], backendRefs: [{name: a, port: 80}]}
`))
	if len(rules.Routes) != 1 || rules.Routes[0].Host != "a.app.svc.cluster.local" || rules.Routes[0].Name != "app~a.app.svc.cluster.local" {
		t.Fatalf("got %+v, want one VirtualService for the Service", rules.Routes)
	}
	var got []string
	for _, r := range rules.Routes[0].Rules {
		got = append(got, r.Object+" "+r.Place+" "+r.Name)
	}
	want := []string{"HTTPRoute app/a rules[0].matches[0] ", "HTTPRoute app/a rules[0].matches[1] ", "HTTPRoute app/a rules[0].matches[2] ",
		"HTTPRoute app/b rules[1].matches[0] ", "HTTPRoute app/a rules[1].matches[0] younger", "HTTPRoute app/b rules[0].matches[0] all",
		"HTTPRoute app/b rules[1].matches[1] "}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
	if got := rules.Routes[0].Objects(); got != "HTTPRoute app/a, HTTPRoute app/b" {
		t.Errorf("objects: %s", got)
	}
}

// TestAction: what istiod makes of the rest of a rule.
func TestAction(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ rule, want string }{
		"no destination":         {`{}`, `{"directResponse":{"status":500}}`},
		"weights of 0":           {`{backendRefs: [{name: a, port: 80, weight: 0}]}`, `{"directResponse":{"status":500}}`},
		"one weight":             {`{backendRefs: [{name: a, port: 80, weight: 7}, {name: a, port: 81, weight: 0}]}`, `{"route":[{"destination":{"host":"a.app.svc.cluster.local","port":{"number":80}}}]}`},
		"no grant":               {`{backendRefs: [{name: a, namespace: other, port: 80}]}`, `{"route":[{"destination":{}}]}`},
		"try without retries":    {`{timeouts: {request: 2s, backendRequest: 1s}}`, `{"directResponse":{"status":500},"timeout":"1s"}`},
		"try with retries":       {`{timeouts: {request: 2s, backendRequest: 1s}, retry: {codes: [503]}}`, `{"directResponse":{"status":500},"timeout":"2s","retries":{"attempts":2,"perTryTimeout":"1s","retryOn":"connect-failure,refused-stream,unavailable,cancelled,503"}}`},
		"redirect":               {`{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}`, `{"redirect":{"derivePort":"FROM_PROTOCOL_DEFAULT","scheme":"https","redirectCode":302}}`},
		"rewrite of a prefix":    {`{filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /new/}}}]}`, `{"directResponse":{"status":500},"rewrite":{"uri":"/new"}}`},
		"mirror of a fraction":   {`{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 80}, fraction: {numerator: 1, denominator: 8}}}]}`, `{"directResponse":{"status":500},"mirrors":[{"destination":{"host":"a.app.svc.cluster.local","port":{"number":80}},"percentage":{"value":12.5}}]}`},
		"the first of spellings": {`{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: "1"}, {name: x-a, value: "2"}]}}]}`, `{"directResponse":{"status":500},"headers":{"request":{"set":{"x-a":"1"}}}}`},
	} {
		rules := Convert(read(t, gatewayAndServices+`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: app}
spec: {parentRefs: [{name: gw, namespace: istio-system, sectionName: any}], rules: [`+c.rule+`]}
`))
		if len(rules.Routes) != 1 {
			t.Fatalf("%s: %d VirtualServices", name, len(rules.Routes))
		}
		got := rules.Routes[0].Rules[0].HTTP
		got.Match = nil
		json, err := protojson.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(string(json), " ", ""); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestConditions: the status of Gateways and routes, with the field that is the cause.
func TestConditions(t *testing.T) {
	t.Parallel()
	rules := Convert(read(t, gatewayAndServices+`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: app}
spec:
  parentRefs: [{name: gw, namespace: istio-system, sectionName: own}, {name: none}, {group: "", kind: Service, name: aa}]
  hostnames: [x.own.test]
  rules: [{backendRefs: [{name: a, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: filtered, namespace: app}
spec:
  parentRefs: [{name: gw, namespace: istio-system, port: 80}]
  rules: [{filters: [{type: ExtensionRef, extensionRef: {group: g.test, kind: K, name: n}}], backendRefs: [{name: a, port: 80}]}]
`))
	var got []string
	for _, c := range rules.Conditions {
		got = append(got, c.String()+" "+c.Path)
	}
	want := []string{
		"Gateway.gateway.networking.k8s.io istio-system/gw: Accepted is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw: Programmed is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw at listener absent: Programmed is False (AddressNotAssigned): the Service of the gateway has no port 81 spec.listeners[2].port",
		"HTTPRoute app/r at Gateway istio-system/gw listener own: Accepted is False (NotAllowedByListeners): listener own accepts no routes of namespace app: see its allowedRoutes spec.parentRefs[0]",
		"HTTPRoute app/r at Gateway app/none: Accepted is False (NoMatchingParent): no Gateway app/none of class istio with a listener for HTTP spec.parentRefs[1].name",
		"HTTPRoute app/r at Service app/aa: Accepted is False (NoMatchingParent): no Service app/aa spec.parentRefs[2].name",
		"HTTPRoute app/filtered at Gateway istio-system/gw port 80: Accepted is True ",
		"HTTPRoute app/filtered at Gateway istio-system/gw port 80: ResolvedRefs is False (InvalidFilter): Istio drops the route: it has no filter ExtensionRef spec.rules[0].filters[0].type",
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("conditions (-want +got):\n%s", d)
	}
	if slices.ContainsFunc(rules.Routes, func(v VirtualService) bool { return true }) {
		t.Errorf("routes that nothing accepts, or that Istio drops, have rules: %+v", rules.Routes)
	}
}

// TestIsolation: a host of a wildcard listener belongs to the listener with the narrower host name.
func TestIsolation(t *testing.T) {
	t.Parallel()
	rules := Convert(read(t, gatewayAndServices+`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: app}
spec:
  parentRefs: [{name: gw, namespace: istio-system, sectionName: any}]
  hostnames: [x.own.test, x.test]
  rules: [{backendRefs: [{name: a, port: 80}]}]
`))
	if len(rules.Routes) != 1 || rules.Routes[0].Host != "x.test" {
		t.Errorf("got %+v, want only x.test: listener own has x.own.test", rules.Routes)
	}
}
