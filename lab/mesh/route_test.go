package mesh

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hopline/hopline/lab/istio"
)

// routeFor returns the route of a request from the workload caller to host r.test, whose VirtualService has one rule.
func routeFor(t testing.TB, ruleText string) *Route {
	t.Helper()
	o := objects(t, file(t, "base.yaml"), "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: r, namespace: one}\nspec:\n  hosts: [r.test]\n  http:\n  - "+ruleText)
	table, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	req, src := parseRequest(t, o, "s GET r.test /a/b?c=d")
	d := table.Decide(req, src, 1)
	if d.Route == nil {
		t.Fatalf("%s matches no request", ruleText)
	}
	return d.Route
}

func TestRetryPolicy(t *testing.T) {
	t.Parallel()
	unsent := istio.RetryOnConnectFailure | istio.RetryOnRefusedStream | istio.RetryOnGRPCUnavailable | istio.RetryOnGRPCCancelled
	for text, want := range map[string]Retries{
		"":                         {Attempts: 2, On: unsent, Backoff: 25 * time.Millisecond, OtherHosts: true},
		", retries: {attempts: 0}": {},
		", retries: {}":            {},
		", retries: {attempts: 3}": {Attempts: 3, On: unsent, Backoff: 25 * time.Millisecond, OtherHosts: true},
		", retries: {attempts: 20, perTryTimeout: 2s, retryOn: 5xx}": {Attempts: 20, PerTry: 2 * time.Second, On: istio.RetryOn5xx, Backoff: 25 * time.Millisecond, OtherHosts: true},
		", retries: {attempts: 1, retryOn: \" 503, reset ,,429\", backoff: 0.1s}": {Attempts: 1, On: istio.RetryOnReset | istio.RetryOnRetriableStatusCodes, StatusCodes: []int{503, 429},
			Backoff: 100 * time.Millisecond, OtherHosts: true},
		", retries: {attempts: 1, retryIgnorePreviousHosts: false}": {Attempts: 1, On: unsent, Backoff: 25 * time.Millisecond},
	} {
		if diff := cmp.Diff(want, routeFor(t, "{route: [{destination: {host: a}}]"+text+"}").Retries); diff != "" {
			t.Error(text, "want -, got +\n", diff)
		}
	}
}

func TestHeaderOps(t *testing.T) {
	t.Parallel()
	ops := "headers: {request: {set: {x-b: b, x-a: a, host: h.test}, add: {x-c: \"100%%\"}, remove: [x-d, host]}, response: {set: {x-e: e}, add: {x-f: f}, remove: [server]}}"
	got := routeFor(t, "{"+ops+", route: [{destination: {host: a}, headers: {request: {set: {x-a: z, \":authority\": i.test}}, response: {remove: [via]}}}]}")
	want := HeaderOps{RequestSet: []Header{{"x-a", "a"}, {"x-b", "b"}, {"x-a", "z"}}, RequestAdd: []Header{{"x-c", "100%"}}, RequestRemove: []string{"x-d"},
		ResponseSet: []Header{{"x-e", "e"}}, ResponseAdd: []Header{{"x-f", "f"}}, ResponseRemove: []string{"server", "via"}}
	if diff := cmp.Diff(want, got.Headers, cmpopts.EquateEmpty()); diff != "" {
		t.Error("one destination: want -, got +\n", diff)
	}
	if got.Rewrite.Authority != "h.test" || got.Destinations[0].Authority != "" {
		t.Errorf("authority: got %q and %q, want that of the rule", got.Rewrite.Authority, got.Destinations[0].Authority)
	}
	weighted := routeFor(t, "{route: [{destination: {host: a}, weight: 1, headers: {request: {set: {x-a: z, host: i.test}}}}, {destination: {host: b}, weight: 1}]}")
	if diff := cmp.Diff(HeaderOps{}, weighted.Headers, cmpopts.EquateEmpty()); diff != "" {
		t.Error("two destinations: want -, got +\n", diff)
	}
	if d := weighted.Destinations[0]; d.Authority != "i.test" || !slices.Equal(d.Headers.RequestSet, []Header{{"x-a", "z"}}) {
		t.Errorf("first of two destinations: got %+v", d)
	}
}

// The expected operation names are from Istio's own routes.
func TestDecorator(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{route: [{destination: {host: a}}]}":                                                 "a.one.svc.cluster.local:80/*",
		"{route: [{destination: {host: b, port: {number: 8000}}}]}":                           "b.one.svc.cluster.local:8000/*",
		"{match: [{uri: {prefix: /a/}}], route: [{destination: {host: a}}]}":                  "a.one.svc.cluster.local:80/a/*",
		"{match: [{uri: {exact: /a/b}}], route: [{destination: {host: a}}]}":                  "a.one.svc.cluster.local:80/a/b",
		"{match: [{uri: {regex: \"/.*\"}}], route: [{destination: {host: a}}]}":               "a.one.svc.cluster.local:80/.*",
		"{route: [{destination: {host: a}, weight: 1}, {destination: {host: b}, weight: 0}]}": "r:80/*",
		"{match: [{uri: {prefix: /a}}], redirect: {uri: /x}}":                                 "r:80/a*",
	} {
		if got := routeFor(t, text).Decorator; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestRuleNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"{route: [{destination: {host: a}}]}":                                             {"http[0]", "http[0]"},
		"{name: one, route: [{destination: {host: a}}]}":                                  {"one", "http[0]"},
		"{name: one, match: [{port: 1}, {name: m}], route: [{destination: {host: a}}]}":   {"one.m", "http[0].match[1]"},
		"{match: [{method: {exact: PUT}}, {name: m}], route: [{destination: {host: a}}]}": {"http[0].match[1]", "http[0].match[1]"},
	} {
		if got := routeFor(t, text); got.Rule != want[0] || got.Place != want[1] {
			t.Errorf("%s: got %s at %s, want %s at %s", text, got.Rule, got.Place, want[0], want[1])
		}
	}
}

// The expected hosts and schemes in a Location are from Envoy's responses; see also testdata/corners.txt.
func TestRedirectLocation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ redirect, scheme, authority, path, want string }{
		{"{scheme: https}", "http", "r.test:80", "/a", "https://r.test/a"},
		{"{scheme: http}", "https", "r.test:443", "/a", "http://r.test/a"},
		{"{scheme: https}", "http", "r.test:8080", "/a", "https://r.test:8080/a"},
		{"{uri: /x}", "https", "r.test", "/a?b", "https://r.test/x?b"},
		{"{port: 9000}", "http", "[::1]:80", "/a", "http://[::1]:9000/a"},
		{"{uri: /x}", "http", "[::1]", "/a", "http://[::1]/x"},
		{"{prefixRewrite: /x, authority: h.test}", "", "r.test", "/a?b", "http://h.test/xa?b"},
	} {
		got := routeFor(t, "{redirect: "+c.redirect+"}").Redirect
		if l := got.Location(&Request{Scheme: c.scheme, Authority: c.authority, Path: c.path, Header: http.Header{}}); l != c.want || got.Code != 301 {
			t.Errorf("%+v: got %d %s", c, got.Code, l)
		}
	}
}
