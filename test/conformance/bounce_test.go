package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// bounced is the bouncer's JSON on an endpoint's response.
type bounced struct {
	StatusCode int
	Headers    map[string]string
	Body       string
}

// bounce makes minimal call an endpoint. minimal is the same program as bounced, which fails on purpose. So a test outside sees what
// callers inside get.
func bounce(endpoint string, h headers) (bounced, error) {
	a, err := try("POST", "/bounce", h.and("Host", minimalHost), fmt.Sprintf(`{"rebound":"true","endpoint":%q}`, endpoint))
	if err != nil {
		return bounced{}, err
	}
	if a.StatusCode != 200 {
		return bounced{}, fmt.Errorf("POST /bounce to %s: %d %s", endpoint, a.StatusCode, a.body)
	}
	return decode[bounced](a)
}

// TestEcho checks the echo's format: its keys in order, and the text form.
func TestEcho(t *testing.T) {
	t.Parallel()
	meshed(t)
	to := headers{"Host": minimalHost}
	a := get(t, "/x?y=1", to)
	d := json.NewDecoder(strings.NewReader(a.body))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"host", "statuscode", "headers", "protocol", "requestURI", "servedBy", "version", "method"} {
		key, err := d.Token()
		if err != nil || key != want {
			t.Fatalf("next key is %v (%v), wanted %q: %s", key, err, want, a.body)
		}
		var value any
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		switch key {
		case "host":
			if value != minimalHost {
				t.Errorf("host %q, wanted %s: the authority is passed on unchanged", value, minimalHost)
			}
		case "requestURI":
			if value != "/x?y=1" {
				t.Errorf("requestURI %q, wanted /x?y=1", value)
			}
		case "headers":
			for _, name := range []string{"Request-time", "Response-time", "Duration"} {
				if value.(map[string]any)[name] == nil {
					t.Errorf("no header %s among %v", name, value)
				}
			}
		}
	}
	if d.More() {
		t.Errorf("a key more than wanted without a body: %s", a.body)
	}
	if with := call(t, "GET", "/x", to, "what I said"); !strings.Contains(with.body, `"body":"what I said"`) {
		t.Errorf("the response does not have the body: %s", with.body)
	}
	for _, name := range []string{"Accept", "Content-Type"} {
		plain := get(t, "/x", to.and(name, "text/plain"))
		if !strings.HasPrefix(plain.body, "Request served by minimal-v") || !strings.Contains(plain.body, "\n\nGET /x HTTP/1.1\nHost: "+minimalHost+"\n") {
			t.Errorf("%s: text/plain: wanted who served, a blank line, and the request: %s", name, plain.body)
		}
	}
	if head := call(t, "HEAD", "/x", to, ""); head.StatusCode != 200 || head.body != "" {
		t.Errorf("HEAD: %d %q, wanted 200 and no body", head.StatusCode, head.body)
	}
}

// TestBounce: the bouncer reaches names inside and outside the mesh, and only those that it may; an invalid request gets the reason.
func TestBounce(t *testing.T) {
	t.Parallel()
	meshed(t)
	const to = `{"rebound":"true","endpoint":"http://minimal:9090"}`
	for _, c := range []struct {
		name, body string
		code       int
		contains   string
	}{
		{"outside", `{"rebound":"true","endpoint":"http://minimal.external.kind.org:9090"}`, 200, `"body":"200 OK"`},
		{"inside", to, 200, `"body":"200 OK"`},
		{"no rebound", `{"rebound":"false","endpoint":"http://minimal:9090"}`, 200, ""},
		{"metadata", `{"rebound":"true","endpoint":"http://169.254.169.254/"}`, 403, "BOUNCE_ALLOW"},
		{"localhost", `{"rebound":"true","endpoint":"http://localhost:9090/"}`, 403, "BOUNCE_ALLOW"},
		{"a name that is not allowed", `{"rebound":"true","endpoint":"http://worldtimeapi.org/"}`, 403, "BOUNCE_ALLOW"},
		{"admin port", `{"rebound":"true","endpoint":"http://minimal:8081/metrics"}`, 403, "BOUNCE_ALLOW"},
		{"not JSON", `rebound`, 400, "want JSON"},
		{"wrong type", `{"rebound":true,"endpoint":"http://minimal:9090"}`, 400, "rebound: want a string"},
		{"no endpoint", `{"rebound":"true"}`, 400, "endpoint: want"},
		{"no rebound field", `{"endpoint":"http://minimal:9090"}`, 400, "rebound: want"},
		{"no URL", `{"rebound":"true","endpoint":"ftp://minimal"}`, 400, "endpoint: want an http:// URL"},
		{"a body of over 1 MiB", strings.Repeat("a", 1<<20+1), 413, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := call(t, "POST", "/bounce", headers{"Host": minimalHost}, c.body)
			if a.StatusCode != c.code || !strings.Contains(a.body, c.contains) {
				t.Errorf("%d %s, wanted %d and %q", a.StatusCode, a.body, c.code, c.contains)
			}
			if c.name == "no rebound" && a.body != "" {
				t.Errorf("body %q, wanted none", a.body)
			}
		})
	}
	t.Run("a form's content type", func(t *testing.T) {
		t.Parallel()
		if a := call(t, "POST", "/bounce", headers{"Host": minimalHost, "Content-Type": "application/x-www-form-urlencoded"}, to); a.StatusCode != 200 {
			t.Errorf("%d %s, wanted 200: the content type is ignored", a.StatusCode, a.body)
		}
	})
	t.Run("no response in 5 s", func(t *testing.T) {
		t.Parallel()
		a := call(t, "POST", "/bounce", headers{"Host": minimalHost, "x-fault-bounced": "latency=8s"}, `{"rebound":"true","endpoint":"http://bounced:9090"}`)
		if a.StatusCode != 504 || !strings.Contains(a.body, "http://bounced:9090") {
			t.Errorf("%d %s, wanted 504 and the endpoint", a.StatusCode, a.body)
		}
	})
}

// TestWhoMayCall: a caller that no AuthorizationPolicy names gets 403 from the callee's sidecar, wherever it is in the mesh.
func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	meshed(t)
	for endpoint, code := range map[string]int{
		"http://front/hello": 403, "http://middle/hops": 403, "http://core/hops": 403, "http://clock/time": 403,
		"http://minimal:9090": 200, "http://bounced:9090/health": 200,
	} {
		if b, err := bounce(endpoint, nil); err != nil || b.StatusCode != code {
			t.Errorf("minimal calls %s: %d, %v, wanted %d", endpoint, b.StatusCode, err, code)
		}
	}
}

// TestUnknownHost: in the lab, a name that no object defines gets 502 from the caller's proxy, with what is missing. Istio's sidecar passes
// the call on to the address from DNS.
func TestUnknownHost(t *testing.T) {
	t.Parallel()
	meshed(t)
	only(t, lab, "502 for a host that no Service and no ServiceEntry names")
	if b, err := bounce("http://nowhere:9090", nil); err != nil || b.StatusCode != 502 {
		t.Errorf("%d, %v, wanted 502", b.StatusCode, err)
	}
}

// TestCrash: /crash ends the process, as a fault of the demo, and the process is restarted.
func TestCrash(t *testing.T) {
	overlaid(t, "canary") // one crash is enough; Kubernetes waits longer after each
	to := headers{"Host": bouncedHost}
	if a := get(t, "/crash", to); a.StatusCode != 503 {
		t.Errorf("/crash: %d %s, wanted the proxy's 503: the process was to end", a.StatusCode, a.body)
	}
	if !eventually(2*arrival, func() bool {
		a, err := try("GET", "/health", to, "")
		return err == nil && a.StatusCode == 200
	}) {
		t.Error("bounced did not restart")
	}
	if a := get(t, page("/crash"), nil); a.StatusCode != 404 {
		t.Errorf("front's /crash: %d, wanted 404: it has none", a.StatusCode)
	}
}
