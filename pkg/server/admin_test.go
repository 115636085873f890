package server

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// askAdmin sends a request to the admin listener's handler.
func (r *rig) askAdmin(method, path, body string) *httptest.ResponseRecorder {
	return r.askAdminFor("localhost:8081", method, path, body)
}

// askAdminFor does the same with the given Host and further headers, as names and values.
func (r *rig) askAdminFor(host, method, path, body string, header ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Host = host
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.admin().ServeHTTP(w, request)
	return w
}

// TestAdminIsGuarded sends requests of permitted clients, and requests that web pages of other origins send.
func TestAdminIsGuarded(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ADMIN_HOSTS=core-admin.hopline.svc,Admin.example", "HOSTNAME=core-1.lan")
	for _, test := range []struct {
		host, method, path, body string
		header                   []string
		code                     int
	}{
		{"10.244.0.20:8081", "GET", "/metrics", "", nil, 200},              // Prometheus
		{"10.244.0.20:8081", "GET", "/livez", "", nil, 200},                // the kubelet
		{"[fd00:10:244::14]:8081", "GET", "/livez", "", nil, 200},          // the kubelet
		{"localhost:9091", "PUT", "/faults", `{"error_rate":0}`, nil, 200}, // kubectl port-forward
		{"core:8081", "GET", "/metrics", "", nil, 200},                     // compose
		{"core-1.lan:8081", "GET", "/metrics", "", nil, 200},               // HOSTNAME
		{"core-admin.hopline.svc:8081", "GET", "/metrics", "", nil, 200},   // ADMIN_HOSTS
		{"admin.example", "PUT", "/faults", `{"error_rate":0}`, nil, 200},  // ADMIN_HOSTS
		{"evil.com", "PUT", "/faults", `{"error_rate":0}`, nil, 421},       // DNS rebinding
		{"evil.com", "GET", "/debug/pprof/cmdline", "", nil, 421},          // DNS rebinding
		{"localhost", "GET", "/debug/pprof/cmdline", "", []string{"Sec-Fetch-Site", "none"}, 200},
		{"localhost", "GET", "/debug/pprof/cmdline", "", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"localhost", "GET", "/metrics", "", []string{"Sec-Fetch-Site", "cross-site"}, 200}, // a link
		{"localhost", "PUT", "/faults", `{"error_rate":0}`, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"localhost", "PUT", "/faults", `{"error_rate":0}`, []string{"Origin", "http://localhost:8080"}, 403},
		{"localhost", "PUT", "/loglevel", `{"level":"info"}`, []string{"Origin", "http://evil.com"}, 403},
	} {
		if w := r.askAdminFor(test.host, test.method, test.path, test.body, test.header...); w.Code != test.code {
			t.Errorf("%s %s of %s with %q: %d %s, want %d", test.method, test.path, test.host, test.header, w.Code, w.Body, test.code)
		}
	}
}

// TestAdmin checks each endpoint of the admin listener.
func TestAdmin(t *testing.T) {
	t.Parallel()
	r := newRig(t, "SERVICE_VERSION=v2")
	r.Get("/hello", Hello)
	for _, step := range []struct {
		do           func()
		method, path string
		body         string
		code         int
		contains     string
	}{
		{nil, "GET", "/readyz", "", 503, "starting"},
		{func() { r.state.ready.Store(true) }, "GET", "/readyz", "", 200, "ready"},
		{nil, "GET", "/livez", "", 200, "alive"},
		{nil, "GET", "/version", "", 200, `{"service":"core","version":"v2","host":"core-1",`},
		{nil, "GET", "/metrics", "", 200, `hopline_build_info{`},
		{nil, "GET", "/metrics", "", 200, "trace_spans_dropped_total 0"},
		{nil, "GET", "/metrics", "", 200, "go_goroutines"},
		{nil, "GET", "/metrics", "", 200, "process_start_time_seconds"},
		{nil, "GET", "/loglevel", "", 200, `{"level":"info"}`},
		{nil, "PUT", "/loglevel", `{"level":"debug"}`, 200, `{"level":"debug"}`},
		{nil, "PUT", "/loglevel", `{"level":"loud"}`, 400, "loud"},
		{nil, "PUT", "/loglevel", `{"level":"` + strings.Repeat("x", 5000) + `"}`, 400, "too large"},
		{nil, "PUT", "/faults", `{"error_rate":100}`, 200, `"error_rate":100`},
		{nil, "PUT", "/faults", `{"latency":"` + strings.Repeat("1", 5000) + `s"}`, 400, "too large"},
		{nil, "PUT", "/faults", `{"error_rate":200}`, 400, "want a number from 0 to 100"},
		{nil, "GET", "/debug/pprof/", "", 200, "goroutine"},
		{nil, "GET", "/debug/pprof/cmdline", "", 200, ""},
		{nil, "GET", "/debug/pprof/heap?debug=1", "", 200, "heap profile"},
		{nil, "GET", "/hello", "", 404, ""},
		{func() { r.state.draining.Store(true) }, "GET", "/readyz", "", 503, "stopping"},
		{nil, "GET", "/livez", "", 200, "alive"},
	} {
		if step.do != nil {
			step.do()
		}
		if w := r.askAdmin(step.method, step.path, step.body); w.Code != step.code || !strings.Contains(w.Body.String(), step.contains) {
			t.Errorf("%s %s: %d %.300s, wanted %d with %q", step.method, step.path, w.Code, w.Body, step.code, step.contains)
		}
	}
	if w := r.ask("GET", "/hello"); w.Code != 500 {
		t.Errorf("after PUT /faults: %d, wanted 500", w.Code)
	}
	if w := newRig(t).ask("GET", "/metrics"); w.Code != 404 {
		t.Errorf("the application serves /metrics: %d", w.Code)
	}
}

// TestNative: native histograms are in the protobuf format, for a Prometheus that requests it.
func TestNative(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Get("/hello", Hello)
	r.ask("GET", "/hello")
	families, err := r.Telemetry.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "http_server_request_duration_seconds" {
			h := family.Metric[0].Histogram
			if len(h.PositiveSpan) == 0 || len(h.Bucket) == 0 || len(h.Exemplars) != 1 {
				t.Errorf("histogram %v, wanted native and classic buckets and an exemplar", h)
			}
			return
		}
	}
	t.Error("no histogram of durations")
}
