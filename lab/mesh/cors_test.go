package mesh

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const corsRules = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: b, namespace: one}
spec:
  hosts: [b]
  http:
  - match: [{uri: {prefix: /ignore}}]
    corsPolicy: {allowOrigins: [{exact: "https://a.test"}], allowMethods: [GET], exposeHeaders: [x-e], allowCredentials: true, unmatchedPreflights: IGNORE}
    route: [{destination: {host: b}}]
  - {match: [{uri: {prefix: /redirect}}], corsPolicy: {allowOrigins: [{exact: "*"}]}, redirect: {uri: /new}}
  - match: [{uri: {prefix: /any}}]
    corsPolicy: {allowOrigins: [{prefix: "*"}], allowMethods: ["*"], allowHeaders: ["*"]}
    route: [{destination: {host: b}}]
  - corsPolicy: {allowOrigins: [{exact: "https://a.test"}, {regex: "https://b[0-9].test"}], allowMethods: [GET, PUT], allowHeaders: [x-a, X-B], maxAge: 60s}
    timeout: 3s
    mirror: {host: a}
    route: [{destination: {host: b}}]
`

// The expected headers are those that Envoy sends: test/fidelity/testdata/corners/cors.yaml compares the same cases.
func TestCORS(t *testing.T) {
	t.Parallel()
	o := objects(t, file(t, "base.yaml"), corsRules)
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]string{
		"GET /":                                                                "2:",
		"GET / origin:":                                                        "2:",
		"GET / origin:https://a.test":                                          "2:Access-Control-Allow-Origin=https://a.test",
		"GET / origin:https://b1.test":                                         "2:Access-Control-Allow-Origin=https://b1.test",
		"GET / origin:https://b12.test":                                        "2:",
		"GET / origin: origin:https://a.test":                                  "2:Access-Control-Allow-Origin=https://a.test",
		"GET / origin:https://a.test origin:https://a.test":                    "2:",
		"OPTIONS / origin:https://a.test":                                      "2:Access-Control-Allow-Origin=https://a.test",
		"OPTIONS / access-control-request-method:PUT":                          "2:",
		"OPTIONS / origin:https://a.test access-control-request-method:PUT":    "5:Access-Control-Allow-Origin=https://a.test Access-Control-Allow-Methods=GET,PUT Access-Control-Allow-Headers=x-a,X-B Access-Control-Max-Age=60",
		"OPTIONS / origin:https://evil.test access-control-request-method:PUT": "2:",
		"OPTIONS /any origin:https://c.test access-control-request-method:PUT access-control-request-headers:x-z": "5:Access-Control-Allow-Origin=https://c.test Access-Control-Allow-Methods=PUT Access-Control-Allow-Headers=x-z",
		"GET /ignore origin:https://a.test":                                          "2:Access-Control-Allow-Origin=https://a.test Access-Control-Allow-Credentials=true Access-Control-Expose-Headers=x-e",
		"OPTIONS /ignore origin:https://evil.test access-control-request-method:PUT": "5:Access-Control-Allow-Credentials=true Access-Control-Allow-Methods=GET",
		"OPTIONS /redirect origin:https://a.test access-control-request-method:PUT":  "3:",
	} {
		words := strings.Fields(request)
		req := &Request{Method: words[0], Authority: "b", Path: words[1], Scheme: "http", Port: 80, Header: http.Header{}}
		for _, w := range words[2:] {
			name, value, _ := strings.Cut(w, ":")
			req.Header.Add(name, value)
		}
		src := workload(t, o, "caller")
		d := table.Decide(req, src, 1)
		got := string(rune('0'+d.Outcome)) + ":"
		for i, h := range d.Route.CORS.Headers(req) {
			got += strings.Repeat(" ", min(i, 1)) + h.Name + "=" + h.Value
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
		if d.Outcome == Preflight && d.Mirror != 0 {
			t.Errorf("%s: a preflight request is mirrored", request)
		}
		if e := table.Explain(req, src); sameRule(e, d) != "" {
			t.Errorf("%s: %s differs: %+v and\n%s", request, sameRule(e, d), d, e)
		}
	}
}

func TestCORSInWords(t *testing.T) {
	t.Parallel()
	o := objects(t, file(t, "base.yaml"), corsRules)
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	req := &Request{Method: "OPTIONS", Authority: "b", Path: "/", Scheme: "http", Port: 80,
		Header: http.Header{"Origin": {"https://a.test"}, "Access-Control-Request-Method": {"PUT"}}}
	src := workload(t, o, "caller")
	e := table.Explain(req, src)
	if e.Status() != http.StatusOK || !strings.Contains(e.String(), "\n200: response to the preflight request, by corsPolicy\n") {
		t.Errorf("got %d and\n%s", e.Status(), e)
	}
	policy := `corsPolicy allows origins: exactly "https://a.test", regex "https://b[0-9].test"; methods GET,PUT; headers x-a,X-B; maxAge 60`
	want := []string{policy, `response header access-control-allow-origin set to "https://a.test", by corsPolicy`,
		`response header access-control-allow-methods set to "GET,PUT", by corsPolicy`,
		`response header access-control-allow-headers set to "x-a,X-B", by corsPolicy`,
		`response header access-control-max-age set to "60", by corsPolicy`}
	if diff := cmp.Diff(want, e.Effects()); diff != "" {
		t.Errorf("effects of a preflight request (-want +got):\n%s", diff)
	}
	req.Method, req.Header = "GET", http.Header{"Origin": {"https://evil.test"}}
	want = []string{policy, "timeout 3s", "up to 2 retries on connect-failure,refused-stream,cancelled,unavailable",
		"100 % mirrored to a.one.svc.cluster.local:80: pods of namespace one with app=a, port http",
		`corsPolicy does not allow origin "https://evil.test": a browser hides the response from the page`}
	if diff := cmp.Diff(want, table.Explain(req, src).Effects()); diff != "" {
		t.Errorf("effects of a request of another origin (-want +got):\n%s", diff)
	}
}
