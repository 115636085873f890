package proxy

import (
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hopline/hopline/lab/istio"
	"github.com/hopline/hopline/lab/mesh"
	"github.com/hopline/hopline/lab/mesh/urlpath"
)

// notAdmin is a policy that denies only /admin, to every caller.
func notAdmin(_, to *mesh.Source, r *mesh.Request) bool {
	return to.Gateway || r.Path != "/admin" && !strings.HasPrefix(r.Path, "/admin/")
}

// stripping is a rule at the ingress whose rewrite removes the beginning of a path.
func stripping(prefix string) *rules {
	route := routeTo(service("middle"))
	route.Rewrite = &mesh.Rewrite{URI: func(path string) string { return "/" + strings.TrimPrefix(path, prefix) }}
	r := toRoute(route)
	r.authorize = notAdmin
	return r
}

// The destination's sidecar normalizes a rewritten path, before it checks its policies, and for the program.
func TestPathIsNormalizedAfterARewrite(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	b := newBench(t, Options{}, stripping("/x"), podOf("middle", "middle-1", up.address()))
	for path, want := range map[string]string{
		"/x../admin": "403 " + denied, "/x./admin": "403 " + denied, "/x%2e%2e/admin": "403 " + denied, `/x..\admin`: "403 " + denied,
		"/xadmin": "403 " + denied, "/x../admin/b?c": "403 " + denied, "/x%2e/%61dmin": "403 " + denied,
		"/x/admin": "200 middle //admin ", "/x../b?c=/../d": "200 middle /b?c=/../d ", "/x..b": "200 middle /..b ", "/xa": "200 middle /a ",
	} {
		r, _ := http.NewRequest("GET", "http://web.test/", nil)
		r.RequestURI = path
		if got := serveTo(b.ingress.Config.Handler, r); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// The destination's sidecar rejects a path that cannot be normalized as a bad request.
func TestRewriteToAnImpossiblePath(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	route := routeTo(service("middle"))
	route.Rewrite = &mesh.Rewrite{URI: func(string) string { return "/a%zz" }}
	route.Retries = mesh.Retries{Attempts: 1, On: istio.RetryOn5xx}
	b := newBench(t, Options{}, toRoute(route), podOf("middle", "middle-1", up.address()))
	b.get("http://middle/").want(t, 400, "")
	if _, n := up.seen(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

// A caller without a sidecar may send any path.
func TestPathOfABareCallerIsNormalized(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	table := toRoute(&mesh.Route{Destinations: routeTo(service("middle")).Destinations})
	table.authorize = notAdmin
	b := newBench(t, Options{}, table, podOf("middle", "middle-1", up.address()))
	front, middle := podOf("front", "front-1", "127.0.0.1:1"), podOf("middle", "middle-1", up.address())
	front.NoSidecar, front.Principal = true, ""
	ask := func(path string) string {
		r, _ := http.NewRequest("GET", "http://middle/", nil)
		r.RequestURI = "http://middle" + path
		r.Header.Set(hCredentials, b.proxy.token("front-1"))
		return serveTo(b.proxy.Sidecar(), r)
	}
	b.proxy.SetPods([]mesh.Pod{front, middle})
	for path, want := range map[string]string{
		"/admin": "403 " + denied, "/%61dmin": "403 " + denied, "/./admin": "403 " + denied, "/a/../admin": "403 " + denied, `/a\..\admin`: "403 " + denied,
		"/a%zz": "400 ", "/%61": "200 middle /a ", "/a/./b?x=%61": "200 middle /a/b?x=%61 ",
	} {
		if got := ask(path); got != want {
			t.Errorf("to a sidecar, %s: %q, want %q", path, got, want)
		}
	}
	middle.Name, middle.NoSidecar = "middle-2", true
	b.proxy.SetPods([]mesh.Pod{front, middle})
	if got, want := ask("/%61dmin"), "200 middle /%61dmin "; got != want {
		t.Errorf("to a program: %q, want %q", got, want)
	}
}

// The program behind a sidecar sees the path that its policies have checked, whatever the caller sends and a rule rewrites.
func TestPoliciesSeeThePathOfTheProgram(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	table := stripping("/x")
	seen := ""
	table.authorize = func(_, to *mesh.Source, r *mesh.Request) bool {
		if !to.Gateway {
			seen = r.Path
		}
		return true
	}
	b := newBench(t, Options{}, table, podOf("middle", "middle-1", up.address()))
	part := rapid.SampledFrom([]string{"/", "..", ".", "x", "admin", "%2e", "%61", `\`, "%2f", "a", "%5c", ";", "//", "%zz", "{"})
	rapid.Check(t, func(r *rapid.T) {
		path := "/x" + strings.Join(rapid.SliceOfN(part, 0, 8).Draw(r, "path"), "")
		q, _ := http.NewRequest("GET", "http://web.test/", nil)
		q.RequestURI = path
		seen = ""
		switch got := serveTo(b.ingress.Config.Handler, q); {
		case got == "400 " && seen == "":
		case got != "200 middle "+seen+" ":
			r.Fatalf("%s: the policies saw %q, the caller got %q", path, seen, got)
		}
		if normal, ok := urlpath.Normalize(seen); seen != "" && (!ok || normal != seen) {
			r.Fatalf("%s: the policies saw %q, which is not normalized", path, seen)
		}
	})
}

// A gateway checks its policies before any rule, on the path as received. A caller from outside has no identity.
func TestPoliciesOfTheIngressGateway(t *testing.T) {
	t.Parallel()
	up := newEcho(t, "middle")
	route := routeTo(service("middle"))
	route.Rewrite = &mesh.Rewrite{URI: func(string) string { return "/rewritten" }}
	r := toRoute(route)
	forward := r.decide
	r.decide = func(q *mesh.Request, s *mesh.Source) mesh.Decision {
		if q.Authority == "nowhere.test" {
			return mesh.Decision{Outcome: mesh.NoRoute}
		}
		d := forward(q, s)
		d.Abort = 418
		return d
	}
	r.authorize = func(from, to *mesh.Source, q *mesh.Request) bool {
		if !to.Gateway {
			return true
		}
		if from != nil || to.Workload != "istio-ingressgateway" || q.Port != 80 {
			t.Errorf("authorized %v → %s port %d", from, to.Workload, q.Port)
		}
		return q.Path != "/blocked"
	}
	b := newBench(t, Options{}, r, podOf("middle", "middle-1", up.address()))
	for _, c := range []struct{ host, path, want string }{
		{"web.test", "/blocked", "403 " + denied}, {"web.test", "/%62locked", "403 " + denied}, {"nowhere.test", "/blocked", "403 " + denied},
		{"nowhere.test", "/open", "404 "}, {"web.test", "/open", "418 fault filter abort"},
	} {
		q, _ := http.NewRequest("GET", "http://"+c.host+"/", nil)
		q.RequestURI = c.path
		if got := serveTo(b.ingress.Config.Handler, q); got != c.want {
			t.Errorf("%s%s: %q, want %q", c.host, c.path, got, c.want)
		}
	}
	b.get("http://middle/blocked").want(t, 418, "fault filter abort") // a request within the mesh passes no gateway
}

// A rule changes the headers of a 403 when it would have forwarded the request, and not when it would have responded itself.
func TestHeadersOfARefusal(t *testing.T) {
	t.Parallel()
	ops := mesh.HeaderOps{ResponseSet: []mesh.Header{{Name: "X-By", Value: "rule"}}}
	for outcome, want := range map[mesh.Outcome]string{mesh.Forward: "rule", mesh.Direct: "", mesh.Redirect: ""} {
		route := routeTo(service("middle"))
		route.Headers, route.Direct = ops, &mesh.DirectResponse{Code: 200}
		route.Redirect = &mesh.RedirectTo{Code: 301, Location: func(*mesh.Request) string { return "/" }}
		r := toRoute(route)
		r.decide = func(*mesh.Request, *mesh.Source) mesh.Decision {
			return mesh.Decision{Outcome: outcome, Route: route, To: &route.Destinations[0]}
		}
		r.authorize = func(_, _ *mesh.Source, _ *mesh.Request) bool { return false }
		b := newBench(t, Options{}, r)
		res, err := b.ingress.Client().Get(b.ingress.URL)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("X-By"); res.StatusCode != http.StatusForbidden || got != want {
			t.Errorf("outcome %d: %d with %q, want 403 with %q", outcome, res.StatusCode, got, want)
		}
	}
}

// The sidecar of its own destination accepts or rejects a copy, and normalizes its path.
func TestPoliciesHoldForCopies(t *testing.T) {
	t.Parallel()
	paths := make(chan string, 10)
	shadow := handle(t, func(_ http.ResponseWriter, r *http.Request) { paths <- r.RequestURI })
	up := newEcho(t, "middle")
	table := mirroring(1)
	route := table.decide(nil, nil).Route
	route.Rewrite = &mesh.Rewrite{URI: func(path string) string { return path + "/../seen" }}
	refused := make(chan string, 10)
	table.authorize = func(from, to *mesh.Source, r *mesh.Request) bool {
		if to.Workload != "shadow" || !strings.HasPrefix(r.Path, "/not") {
			return true
		}
		refused <- from.Workload + " " + r.Path
		return false
	}
	b := newBench(t, Options{}, table, podOf("middle", "middle-1", up.address()), podOf("shadow", "shadow-1", shadow))
	b.get("http://middle/not/a").want(t, 200, "middle /not/seen ")
	if got := receive(t, "the policy's question", refused); got != "front /not/seen" {
		t.Errorf("the policy got %q", got)
	}
	b.get("http://middle/a/b").want(t, 200, "middle /a/seen ")
	if got := receive(t, "the copy", paths); got != "/a/seen" {
		t.Errorf("the shadow got %q", got)
	}
}
