package conformance

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestIngress checks the paths and hosts of the ingress.
func TestIngress(t *testing.T) {
	t.Parallel()
	meshed(t)
	html := headers{"Accept": "text/html"}
	for _, c := range []struct {
		name, path string
		headers    headers
		code       int
		location   string // the path of the Location header
		contains   string
	}{
		{"page", "/demo-app/", html, 200, "", "Slow page"},
		{"page on another host", "/demo-app/", html.and("Host", "anything.example"), 200, "", "Slow page"},
		{"prefix without slash", "/demo-app", nil, 301, "/demo-app/", ""},
		{"prefix is rewritten", "/demo-app/hello", nil, 200, "", `{"hello":"world!"}`},
		{"prefix ends at its slash", "/demo-appendix", nil, 404, "", ""},
		{"unknown path", "/", nil, 404, "", ""},
		{"front's path without the prefix", "/hops", nil, 404, "", ""},
		{"minimal by host", "/any/path", headers{"Host": minimalHost}, 200, "", `"requestURI":"/any/path"`},
		{"minimal by host, whatever its case", "/any/path", headers{"Host": strings.ToUpper(minimalHost)}, 200, "", `"requestURI":"/any/path"`},
		{"minimal by host and port", "/any/path", headers{"Host": minimalHost + ":8080"}, 200, "", `"requestURI":"/any/path"`},
		{"the hosts have all paths to themselves", "/demo-app/hops", headers{"Host": minimalHost}, 200, "", `"requestURI":"/demo-app/hops"`},
		{"bounced by host", "/health", headers{"Host": bouncedHost}, 200, "", "Status OK"},
		{"no other name below theirs", "/health", headers{"Host": "x." + bouncedHost}, 404, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := get(t, c.path, c.headers)
			if a.StatusCode != c.code {
				t.Errorf("%s: %d, wanted %d: %s", c.path, a.StatusCode, c.code, a.body)
			}
			if location, _ := url.Parse(a.Header.Get("Location")); location.Path != c.location {
				t.Errorf("%s: Location %q, wanted path %q", c.path, location, c.location)
			}
			if !strings.Contains(a.body, c.contains) {
				t.Errorf("%s: wanted %q in the body: %s", c.path, c.contains, a.body)
			}
			if c.code == 404 && a.body != "" {
				t.Errorf("%s: body %q, wanted none: no rule matches", c.path, a.body)
			}
		})
	}
}

// absolute matches a link that is wrong under a path prefix.
var absolute = regexp.MustCompile(`\b(href|src|action)="/[^"]*`)

// TestFront checks front's responses to browsers and to programs.
func TestFront(t *testing.T) {
	t.Parallel()
	slowCode, slow := slowPage()
	for _, c := range []struct {
		path, accept string
		contains     []string // regular expressions
	}{
		{"/", "text/html", []string{"Slow page", "Fast page", "x-dev-user", "betaUser", "stressTest", "fail"}},
		{"/", "*/*", []string{`^took \([0-9.]+ ms\) front-`}},
		{"/hello", "", []string{`^{"hello":"world!"}\n?$`}},
		{"/fast-page", "", []string{"^Hello Fast!\n?$"}},
		{"/fast-page", "text/html", []string{"<html", "Hello Fast!"}},
		{"/slow-page", "", []string{"^" + slow + "\n?$"}},
		{"/slow-page", "text/html", []string{"<html", slow}},
	} {
		t.Run(c.path+" for "+or(c.accept, "nobody in particular"), func(t *testing.T) {
			t.Parallel()
			h := headers{}
			if c.accept != "" {
				h["Accept"] = c.accept
			}
			code := 200
			if c.path == "/slow-page" {
				code = slowCode
			}
			a := get(t, page(c.path), h)
			if a.StatusCode != code {
				t.Errorf("%d, wanted %d: %s", a.StatusCode, code, a.body)
			}
			for _, part := range c.contains {
				if !regexp.MustCompile(part).MatchString(a.body) {
					t.Errorf("wanted %s in the body: %s", part, a.body)
				}
			}
			kind := "text/plain"
			switch {
			case c.accept == "text/html":
				kind = c.accept
				for _, link := range absolute.FindAllString(a.body, -1) {
					if !strings.HasPrefix(link, `href="/jaeger/trace/`) { // TRACE_UI_URL in the cluster
						t.Errorf("a link that is not relative: %s", link)
					}
				}
			case c.path == "/hello":
				kind = "application/json"
			}
			if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, kind) {
				t.Errorf("Content-Type %q, wanted %s", got, kind)
			}
		})
	}
}

// slowPage returns the status of the slow page and its text, as a regular expression.
func slowPage() (code int, text string) {
	switch *overlay {
	case "timeout":
		return 504, "upstream request timeout"
	case "denied":
		return 403, "RBAC: access denied"
	}
	return 200, `Response from core: I am a slow request that took 3\.\d\d seconds to complete\.`
}

// TestDashboards: the dashboards' own hosts redirect to their paths. They belong to the cluster's add-ons.
func TestDashboards(t *testing.T) {
	t.Parallel()
	meshed(t)
	only(t, istio, "dashboards behind the ingress, which are add-ons of a cluster")
	for _, name := range []string{"grafana", "jaeger", "kiali", "prometheus"} {
		a := get(t, "/", headers{"Host": name + ".istio.kind.org"})
		if a.StatusCode == 404 {
			skip(t, "deploy/addons is not in this cluster, or not all of it: it knows no %s", name)
		}
		location, err := url.Parse(a.Header.Get("Location"))
		if a.StatusCode != 302 || err != nil || strings.TrimSuffix(location.Path, "/") != "/"+name {
			t.Errorf("%s: %d to %q (%v), wanted 302 to /%s", name, a.StatusCode, a.Header.Get("Location"), err, name)
		}
	}
}
