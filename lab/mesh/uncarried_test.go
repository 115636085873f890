package mesh

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const manyProtocols = `apiVersion: v1
kind: Service
metadata: {name: many, namespace: one}
spec:
  selector: {app: a}
  ports:
  - {name: http, port: 80, targetPort: http}
  - {name: https, port: 443, targetPort: http}
  - {name: grpc, port: 50051, targetPort: http}
  - {name: db, port: 3306, targetPort: http}
  - {name: plain, port: 7000, targetPort: http}
  - {name: tcp-x, appProtocol: kubernetes.io/ws, port: 7001, targetPort: http}
---
apiVersion: v1
kind: Service
metadata: {name: calls, namespace: one}
spec: {selector: {app: a}, ports: [{name: grpc-calls, port: 9000, targetPort: http}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: calls, namespace: one}
spec:
  hosts: [calls]
  http:
  - {match: [{uri: {exact: /shop.Cart/Add}, headers: {x-tenant: {exact: gold}}}], route: [{destination: {host: b, port: {number: 80}}}]}
  - {route: [{destination: {host: calls}}]}
---
apiVersion: v1
kind: Service
metadata: {name: raw, namespace: one}
spec: {selector: {app: a}, ports: [{name: tcp, port: 80, targetPort: http}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ext, namespace: one}
spec:
  hosts: ["*.ext.test"]
  ports: [{number: 8443, name: tls, protocol: TLS}, {number: 7002, name: any}]
  resolution: NONE
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: raw, namespace: one}
spec: {hosts: [raw], http: [{route: [{destination: {host: b, port: {number: 80}}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: b, namespace: one}
spec:
  hosts: [b]
  http:
  - {match: [{uri: {prefix: /grpc}}], route: [{destination: {host: many, port: {number: 50051}}}]}
  - {match: [{uri: {prefix: /db}}], route: [{destination: {host: many, port: {number: 3306}}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: one}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: gw, namespace: one}
spec: {hosts: ["*"], gateways: [gw], http: [{route: [{destination: {host: raw}}]}]}
`

// TestPortsOfOtherProtocols: their requests reach no rule. A route to such a port has a destination, as in Istio, which sends HTTP to it.
func TestPortsOfOtherProtocols(t *testing.T) {
	t.Parallel()
	strict, lenient := objects(t, file(t, "base.yaml"), manyProtocols), objects(t, file(t, "base.yaml"), manyProtocols)
	lenient.Lenient = true
	for _, c := range []struct {
		request         string
		strict, lenient string // of the text; the same if lenient is empty
	}{
		{"many:80/", "many.one.svc.cluster.local:80: pods", ""},
		{"many:7000/", "many.one.svc.cluster.local:7000: pods", ""},
		{"many:7001/", "many.one.svc.cluster.local:7001: pods", ""},
		{"many:443/", "502: port 443 of many is HTTPS (Service one/many), which the lab does not carry", ""},
		{"many:3306/", "502: port 3306 of many is TCP (Service one/many), which the lab does not carry", ""},
		{"many:50051/", "502: port 50051 of many is GRPC (Service one/many), which the lab does not carry", "many.one.svc.cluster.local:50051: pods"},
		{"calls:9000/shop.Cart/Add", "502: port 9000 of calls is GRPC (Service one/calls), which the lab does not carry", "b.one.svc.cluster.local:80: pods"},
		{"calls:9000/shop.Cart/Get", "502: port 9000 of calls is GRPC (Service one/calls), which the lab does not carry", "calls.one.svc.cluster.local:9000: pods"},
		{"a.ext.test:8443/", "502: port 8443 of a.ext.test is TLS (ServiceEntry one/ext), which the lab does not carry", ""},
		{"a.ext.test:7002/", "*.ext.test:7002: the host that the request names", ""},
		{"raw:80/", "502: port 80 of raw is TCP (Service one/raw), which the lab does not carry", ""},
		{"raw.one.svc:80/", "502: port 80 of raw.one.svc is TCP (Service one/raw), which the lab does not carry", ""},
		{"b:80/grpc", "many.one.svc.cluster.local:50051: 502: port 50051 of many.one.svc.cluster.local is GRPC", "many.one.svc.cluster.local:50051: pods"},
		{"b:80/db", "many.one.svc.cluster.local:3306: pods", ""},
		{"gateway:80/", "raw.one.svc.cluster.local:80: pods", ""},
	} {
		for _, o := range []struct {
			name string
			want string
		}{{"strict", c.strict}, {"lenient", c.lenient}} {
			of := strict
			if o.name == "lenient" {
				of = lenient
			}
			want := o.want
			if want == "" {
				want = c.strict
			}
			table, err := Compile(of)
			if err != nil {
				t.Fatal(err)
			}
			req, src := requestTo(t, c.request), Source{Workload: "x", Namespace: "one"}
			if strings.HasPrefix(c.request, "gateway") {
				src = IngressGateway()
			}
			e := table.Explain(req, &src)
			if got := e.String(); !strings.Contains(got, want) {
				t.Errorf("%s %s: got\n%s\nwant %s", o.name, c.request, got, want)
			}
			if d := table.Decide(req, &src, 1); sameRule(e, d) != "" {
				t.Errorf("%s %s: %s differs: %+v and\n%s", o.name, c.request, sameRule(e, d), d, e)
			}
			if refused := strings.Contains(want, "502: "); refused != (e.Status() == 502) || refused && o.name == "strict" && len(e.Shares) > 0 && len(e.Shares[0].Backends) > 0 {
				t.Errorf("%s %s: status %d, shares %+v", o.name, c.request, e.Status(), e.Shares)
			}
		}
	}
}

func TestNotCarried(t *testing.T) {
	t.Parallel()
	o := objects(t, file(t, "base.yaml"), manyProtocols)
	want := []string{"Service one/calls: spec.ports[0]: port 9000 is not carried: its protocol is GRPC, and the lab carries HTTP/1.1",
		"Service one/many: spec.ports[1]: port 443 is not carried: its protocol is HTTPS, and the lab carries HTTP/1.1",
		"Service one/many: spec.ports[2]: port 50051 is not carried: its protocol is GRPC, and the lab carries HTTP/1.1",
		"Service one/many: spec.ports[3]: port 3306 is not carried: its protocol is TCP, and the lab carries HTTP/1.1",
		"Service one/raw: spec.ports[0]: port 80 is not carried: its protocol is TCP, and the lab carries HTTP/1.1",
		"ServiceEntry one/ext: spec.ports[0]: port 8443 is not carried: its protocol is TLS, and the lab carries HTTP/1.1"}
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, table.NotCarried()); diff != "" {
		t.Errorf("not carried (-want +got):\n%s", diff)
	}
	if ports := table.HTTP2Ports(); ports != nil {
		t.Errorf("carried as HTTP/1.1: %v, want none", ports)
	}
	o.Lenient = true
	if table, err = Compile(o); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{want[1], want[3], want[4], want[5]}, table.NotCarried()); diff != "" {
		t.Errorf("not carried of a lenient overlay (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"calls.one.svc.cluster.local:9000", "many.one.svc.cluster.local:50051"}, table.HTTP2Ports()); diff != "" {
		t.Errorf("carried as HTTP/1.1 (-want +got):\n%s", diff)
	}
}

// requestTo returns a GET request for "host:port/path".
func requestTo(t *testing.T, address string) *Request {
	t.Helper()
	authority, path, _ := strings.Cut(address, "/")
	_, port, ok := strings.Cut(authority, ":")
	number, err := strconv.Atoi(port)
	if !ok || err != nil {
		t.Fatalf("%s: want host:port/path", address)
	}
	return &Request{Method: "GET", Authority: authority, Path: "/" + path, Scheme: "http", Port: number, Header: http.Header{"X-Tenant": {"gold"}}}
}
