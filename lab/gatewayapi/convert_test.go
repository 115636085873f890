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
		"Gateway.gateway.networking.k8s.io istio-system/gw: Programmed is False (AddressNotAssigned): the Service of the gateway has no port 81, which listener absent names spec.listeners[2].port",
		"Gateway.gateway.networking.k8s.io istio-system/gw: ResolvedRefs is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw at listener any: Accepted is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw at listener any: Programmed is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw at listener any: ResolvedRefs is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw at listener own: Accepted is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw at listener own: Programmed is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw at listener own: ResolvedRefs is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw at listener absent: Accepted is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw at listener absent: Programmed is True ",
		"Gateway.gateway.networking.k8s.io istio-system/gw at listener absent: ResolvedRefs is True ",
		"HTTPRoute app/r at Gateway istio-system/gw listener own: Accepted is False (NotAllowedByListeners): listener own accepts no routes of namespace app: see its allowedRoutes spec.parentRefs[0]",
		"HTTPRoute app/r at Gateway app/none: Accepted is False (NoMatchingParent): no Gateway app/none of class istio with a listener for HTTP spec.parentRefs[1].name",
		"HTTPRoute app/r at Service app/aa: Accepted is False (NoMatchingParent): no Service app/aa spec.parentRefs[2].name",
		"HTTPRoute app/r at Gateway istio-system/gw listener own: ResolvedRefs is True ",
		"HTTPRoute app/r at Service app/aa: ResolvedRefs is True ",
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

// TestListenerStatus: the kinds of routes that listeners support, how many routes are attached, and what is not valid.
func TestListenerStatus(t *testing.T) {
	t.Parallel()
	rules := Convert(read(t, gatewayAndServices+`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: kinds, namespace: app}
spec:
  gatewayClassName: istio
  listeners:
  - {name: one, port: 80, protocol: HTTP, hostname: one.test, allowedRoutes: {kinds: [{kind: HTTPRoute}]}}
  - {name: other, port: 80, protocol: HTTP, hostname: other.test, allowedRoutes: {kinds: [{kind: TCPRoute}, {kind: GRPCRoute}]}}
  - {name: udp, port: 53, protocol: UDP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: udp, namespace: app}
spec: {gatewayClassName: istio, listeners: [{name: udp, port: 53, protocol: UDP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: app}
spec: {parentRefs: [{name: kinds, sectionName: one}, {name: kinds, sectionName: other}, {name: gw, namespace: istio-system}], rules: [{backendRefs: [{name: a, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: s, namespace: app}
spec: {parentRefs: [{name: kinds}], hostnames: [one.test], rules: [{backendRefs: [{name: a, port: 80}]}]}
`))
	gw, kinds, udp := "Gateway.gateway.networking.k8s.io istio-system/gw", "Gateway.gateway.networking.k8s.io app/kinds", "Gateway.gateway.networking.k8s.io app/udp"
	all := []string{"HTTPRoute", "GRPCRoute"}
	want := []ListenerStatus{
		{Gateway: gw, Name: "any", Kinds: all, Routes: 1}, {Gateway: gw, Name: "own", Kinds: all}, {Gateway: gw, Name: "absent", Kinds: all, Routes: 1},
		{Gateway: kinds, Name: "one", Kinds: all[:1], Routes: 2}, {Gateway: kinds, Name: "other", Kinds: all[1:]}, {Gateway: kinds, Name: "udp"}, {Gateway: udp, Name: "udp"},
	}
	if d := gocmp.Diff(want, rules.Listeners); d != "" {
		t.Errorf("listeners (-want +got):\n%s", d)
	}
	var got []string
	for _, c := range rules.Conditions {
		if c.Object != gw && c.Reason != c.Type {
			got = append(got, c.String()+" "+c.Path)
		}
	}
	wantConditions := []string{
		kinds + ": Accepted is True (ListenersNotValid): some listeners are not valid ",
		kinds + " at listener other: ResolvedRefs is False (InvalidRouteKinds): want kinds of HTTPRoute, GRPCRoute, got another one spec.listeners[1].allowedRoutes.kinds",
		kinds + " at listener udp: Accepted is False (UnsupportedProtocol): Istio supports no listener of protocol UDP spec.listeners[2].protocol",
		udp + ": Accepted is False (ListenersNotValid): no listener is valid spec.listeners",
		udp + " at listener udp: Accepted is False (UnsupportedProtocol): Istio supports no listener of protocol UDP spec.listeners[0].protocol",
		"HTTPRoute app/r at Gateway app/kinds listener other: Accepted is False (NotAllowedByListeners): listener other accepts no HTTPRoutes: see its allowedRoutes.kinds spec.parentRefs[1]",
	}
	if d := gocmp.Diff(wantConditions, got); d != "" {
		t.Errorf("conditions (-want +got):\n%s", d)
	}
}

// TestAddresses: a Gateway is accepted if all of its addresses are host names, and programmed if all are Services of its namespace.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for addresses, want := range map[string]string{
		`{type: Hostname, value: a}`:                                                     "True True",
		`{type: Hostname, value: a}, {type: Hostname, value: foo}`:                       "True False AddressNotUsable",
		`{type: Hostname, value: foo}, {type: Hostname, value: a}`:                       "True False AddressNotUsable",
		`{type: example.test/kind, value: x}, {type: Hostname, value: a}`:                "False UnsupportedAddress True",
		`{type: example.test/kind, value: x}, {type: IPAddress, value: 192.0.2.1}`:       "False UnsupportedAddress",
		`{type: Hostname, value: a}, {type: IPAddress, value: 192.0.2.1}`:                "False UnsupportedAddress True",
		`{type: Hostname, value: foo}, {type: IPAddress, value: 192.0.2.1}`:              "False UnsupportedAddress False AddressNotUsable",
		`{type: Hostname, value: a.other.svc.cluster.local}, {type: Hostname, value: a}`: "True False AddressNotUsable",
	} {
		rules := Convert(read(t, gatewayAndServices+`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: app}
spec: {gatewayClassName: istio, addresses: [`+addresses+`], listeners: [{name: http, port: 80, protocol: HTTP}]}
`))
		var got []string
		for _, c := range rules.Conditions {
			switch {
			case c.Object != "Gateway.gateway.networking.k8s.io app/g" || c.Part >= 0 || c.Type == "ResolvedRefs":
			case c.True:
				got = append(got, "True")
			default:
				got = append(got, "False", c.Reason)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %s, want %s", addresses, got, want)
		}
	}
}
