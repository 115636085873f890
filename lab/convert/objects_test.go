package convert

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hopline/hopline/lab/rules"
)

const twoNamespaces = `
apiVersion: v1
kind: Service
metadata: {name: a, namespace: one}
spec: {selector: {app: a}, ports: [{name: http, port: 80}, {name: http-2, port: 81}]}
---
apiVersion: v1
kind: Service
metadata: {name: b, namespace: two}
spec: {selector: {app: b}, ports: [{name: http, port: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: one}
spec: {host: a, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside, namespace: one}
spec: {hosts: [x.test], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: g, namespace: one}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["one/shop.test", "*/*.test"]}]
---
`

// The objects that are written for targets of each kind; none of them changes a request.
func TestObjects(t *testing.T) {
	t.Parallel()
	service := func(namespace, spec string) string {
		return "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: " + namespace + "}\nspec: " + spec + "\n"
	}
	var many, equal []string
	for i := range 20 {
		equal = append(equal, fmt.Sprintf("{match: [{headers: {x%d: {exact: a}}}], route: [{destination: {host: a, port: {number: 80}}}], timeout: %ds}", i, i+1))
		many = append(many, fmt.Sprintf("{name: r%d, match: [{uri: {exact: /%d}}], route: [{destination: {host: a, port: {number: 80}}}], timeout: %ds}", i, i, i+1))
	}
	for name, c := range map[string]struct {
		text string
		want []string // parts of the output, in order
	}{
		"a route for each port": {service("one", `{hosts: [a], http: [{route: [{destination: {host: a}}]}]}`),
			[]string{"name: v-a-80\n", "port: 80\n", "name: a\n", "port: 80\n", "name: v-a-81\n", "port: 81\n", "name: a\n", "port: 81\n"}},
		"one port in all matches": {service("one", `{hosts: [a], http: [{match: [{port: 81}], route: [{destination: {host: a}}]}]}`),
			[]string{"name: v\n", "name: a\n    port: 81\n", "- name: a\n      port: 81\n"}},
		"the rules of a caller's namespace": {service("two", `{hosts: [a.one.svc.cluster.local], exportTo: [.], http: [{route: [{destination: {host: b, port: {number: 8080}}}]}]}`),
			[]string{"name: v\n  namespace: two\n", "namespace: one\n    name: a\n", "- name: b\n      port: 8080\n"}},
		"rules for all callers": {service("two", `{hosts: [a.one.svc.cluster.local], http: [{route: [{destination: {host: b, port: {number: 8080}}}]}]}`),
			[]string{"name: v\n  namespace: one\n", "name: a\n", "- namespace: two\n      name: b\n"}},
		"a host outside": {service("one", `{hosts: [x.test], http: [{timeout: 90s, route: [{destination: {host: x.test}}]}]}`),
			[]string{"group: networking.istio.io\n    kind: ServiceEntry\n    name: outside\n", "kind: Hostname\n      name: x.test\n      port: 80\n", "request: 1m30s\n"}},
		"a Service of another namespace, at a Gateway": {service("one", `{hosts: [shop.test], gateways: [g], http: [{route: [{destination: {host: b.two.svc.cluster.local}}]}]}`),
			[]string{"value: istio-ingressgateway.istio-system.svc.cluster.local\n", "hostname: shop.test\n", "kubernetes.io/metadata.name: one\n", "name: http-2\n    hostname: '*.test'\n",
				"- namespace: istio-system\n    name: g\n", "- shop.test\n", "namespace: two\n      name: b\n      port: 8080\n", "kind: ReferenceGrant\n", "name: routes-of-one\n  namespace: two\n", "namespace: one\n", "name: b\n"}},
		"the mesh and a Gateway": {service("one", `{hosts: [x.test], gateways: [mesh, g], http: [{name: here, match: [{gateways: [mesh], headers: {x: {prefix: a}}}], route: [{destination: {host: a, port: {number: 80}}}]}, {route: [{destination: {host: x.test}}]}]}`),
			[]string{"name: v-g\n", "- x.test\n", "kind: Hostname\n", "name: v-x-test\n", "kind: ServiceEntry\n", "name: here\n", "type: RegularExpression\n        name: x\n        value: a.*\n"}},
		"more rules than one route has": {service("one", `{hosts: [a], http: [`+strings.Join(many, ", ")+`]}`),
			[]string{"name: v-001\n", "name: r0\n", "name: r15\n", "name: v-002\n", "name: r16\n", "name: r19\n"}},
		"the order of equal matches in several routes": {service("one", `{hosts: [a], http: [`+strings.Join(equal, ", ")+`]}`),
			[]string{"name: v-001\n", "name: x0\n", "name: v-002\n", "name: x19\n"}},
		"a name that is taken": {service("one", `{hosts: [a], http: [{route: [{destination: {host: a, subset: v1, port: {number: 80}}}]}]}`) +
			"---\napiVersion: v1\nkind: Service\nmetadata: {name: a-v1, namespace: one}\nspec: {selector: {app: c}, ports: [{port: 80}]}\n",
			[]string{"name: a-v1-" + digest("Service one/a v1") + "\n", "- name: a-v1-" + digest("Service one/a v1") + "\n"}},
		"a Service for the subset": {service("one", `{hosts: [a], http: [{route: [{destination: {host: a, subset: v1, port: {number: 80}}}]}]}`) +
			"---\napiVersion: v1\nkind: Service\nmetadata: {name: a-v1, namespace: one}\nspec: {selector: {app: a, version: v1}, ports: [{name: http, port: 80}, {name: http-2, port: 81}]}\n",
			[]string{"kind: HTTPRoute\n", "- name: a-v1\n      port: 80\n"}},
		"headers, mirrors and codes": {service("one", `{hosts: [a], http: [{headers: {request: {set: {X-A: b}}, response: {remove: [x-c]}}, mirrors: [{destination: {host: a, port: {number: 81}}, percentage: {value: 12.5}}], retries: {attempts: 3, perTryTimeout: 1s, backoff: 50ms, retryOn: "connect-failure,refused-stream,unavailable,cancelled,503"}, route: [{destination: {host: a, port: {number: 80}}, headers: {request: {add: {x-d: e}}}}]}]}`),
			[]string{"type: RequestHeaderModifier\n", "type: ResponseHeaderModifier\n", "type: RequestMirror\n", "numerator: 125000\n          denominator: 1000000\n", "type: RequestHeaderModifier\n", "backendRequest: 1s\n", "codes:\n      - 503\n      attempts: 3\n      backoff: 50ms\n"}},
		"pages of other origins": {service("one", `{hosts: [a], http: [{corsPolicy: {allowOrigins: [{exact: "http://x.test"}], allowMethods: [GET], maxAge: 60s, unmatchedPreflights: IGNORE}, route: [{destination: {host: a, port: {number: 80}}}]}]}`),
			[]string{"type: CORS\n", "- http://x.test\n", "maxAge: 60\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := rules.Read(t.Context(), []string{"-"}, strings.NewReader(twoNamespaces+c.text))
			if err != nil {
				t.Fatal(err)
			}
			converted, err := Convert(r, Options{})
			if err != nil {
				t.Fatal(err)
			}
			text, err := converted.YAML()
			if err != nil {
				t.Fatal(err)
			}
			rest := string(text)
			for _, part := range c.want {
				_, after, ok := strings.Cut(rest, part)
				if !ok {
					t.Fatalf("want %q in what follows\n%s\nof\n%s", part, rest, text)
				}
				rest = after
			}
			proof, err := Prove(r, converted)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range proof.Groups {
				t.Errorf("%s\n%s", g.Text("-"), text)
			}
		})
	}
}
