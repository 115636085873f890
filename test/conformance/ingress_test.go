package conformance

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func hostOf(upstream string) string {
	u, err := url.Parse(upstream)
	if err != nil {
		return upstream
	}
	return u.Hostname()
}

// TestIngress holds the paths and hosts that the ingress knows.
func TestIngress(t *testing.T) {
	html := map[string]string{"Accept": "text/html"}
	for _, c := range []struct {
		name, path string
		headers    map[string]string
		code       int
		location   string // the path of the Location header
		contains   string
	}{
		{"page", "/demo-app/", html, 200, "", "Slow page"},
		{"page on another host", "/demo-app/", with(html, "Host", "anything.example"), 200, "", "Slow page"},
		{"prefix without slash", "/demo-app", nil, 301, "/demo-app/", ""},
		{"prefix is rewritten", "/demo-app/hello", nil, 200, "", `{"hello":"world!"}`},
		{"prefix ends at its slash", "/demo-appendix", nil, 404, "", ""},
		{"unknown path", "/", nil, 404, "", ""},
		{"unknown path of front", "/demo-app/nowhere", nil, 404, "", ""},
		{"minimal by host", "/any/path", map[string]string{"Host": "minimal.svc.kind.org"}, 200, "", `"requestURI":"/any/path"`},
		{"bounced by host", "/health", map[string]string{"Host": "bounced.svc.kind.org"}, 200, "", "Status OK"},
		{"fast", "/demo-app/fast-page", nil, 200, "", "Hello Fast!"},
		{"fast as a page", "/demo-app/fast-page", html, 200, "", "Hello Fast!"},
		{"slow", "/demo-app/slow-page", nil, 200, "", "Response from core: I am a slow request that took 3.00 seconds to complete."},
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
		})
	}
}

// TestEcho holds the echo's shape: its keys in order, and the plain form.
func TestEcho(t *testing.T) {
	t.Parallel()
	to := map[string]string{"Host": "minimal.svc.kind.org"}
	a := call(t, "GET", "/x?y=1", to, "")
	order := []string{"host", "statuscode", "headers", "protocol", "requestURI", "servedBy", "version", "method"}
	d := json.NewDecoder(strings.NewReader(a.body))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for _, want := range order {
		key, err := d.Token()
		if err != nil || key != want {
			t.Fatalf("next key is %v (%v), wanted %q: %s", key, err, want, a.body)
		}
		var skip any
		if err := d.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	if plain := get(t, "/x", with(to, "Accept", "text/plain")); !strings.HasPrefix(plain.body, "Request served by minimal-v") {
		t.Errorf("wanted a line that says who served: %s", plain.body)
	}
	if a := call(t, "DELETE", "/x", to, ""); a.StatusCode != 405 || a.Header.Get("Allow") == "" {
		t.Errorf("DELETE: %d with Allow %q, wanted 405 and the methods", a.StatusCode, a.Header.Get("Allow"))
	}
}

// TestBounce: the bouncer reaches a name outside the mesh, and only what it may.
func TestBounce(t *testing.T) {
	t.Parallel()
	to := map[string]string{"Host": "minimal.svc.kind.org"} // the same program as bounced, which fails on purpose
	for _, c := range []struct {
		name, body string
		code       int
		contains   string
	}{
		{"outside", `{"rebound":"true","endpoint":"http://minimal.external.kind.org:9090"}`, 200, `"body":"200 OK"`},
		{"inside", `{"rebound":"true","endpoint":"http://minimal:9090"}`, 200, `"body":"200 OK"`},
		{"no rebound", `{"rebound":"false","endpoint":"http://minimal:9090"}`, 200, ""},
		{"not allowed", `{"rebound":"true","endpoint":"http://169.254.169.254/"}`, 403, "BOUNCE_ALLOW"},
		{"not JSON", `rebound`, 400, ""},
		{"a field missing", `{"rebound":"true"}`, 400, "endpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := call(t, "POST", "/bounce", to, c.body)
			if a.StatusCode != c.code || !strings.Contains(a.body, c.contains) {
				t.Errorf("%d %s, wanted %d and %q", a.StatusCode, a.body, c.code, c.contains)
			}
		})
	}
}
