package collector

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestZipkinRoutes requests every route; TestRealZipkin compares the responses in detail with a real Zipkin's.
func TestZipkinRoutes(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Console: "http://localhost:8090/"})
	server := httptest.NewServer(c.Zipkin())
	t.Cleanup(server.Close)
	c.Add(hop(0, 0), hop(0, 1), hop(1, 0))
	const (
		text   = "text"
		json   = "application/json"
		window = "endTs=1700000000002&lookback=10000"
		first  = `{"traceId":"0000000000000001","id":"0000000000000001","kind":"SERVER","name":"get /hops","timestamp":1700000000000000,"duration":1500,` +
			`"localEndpoint":{"serviceName":"front"},"remoteEndpoint":{"serviceName":"caller","ipv4":"127.0.0.1","port":1024},` +
			`"tags":{"http.request.method":"GET","http.response.status_code":"200","http.route":"/hops","request":"0-0"}}`
	)
	for _, test := range []struct {
		path string
		code int
		kind string
		want string // the body's beginning
	}{
		{"/api/v2/services", 200, json, `["front","middle"]` + "\n"},
		{"/api/v2/spans?serviceName=Front", 200, json, `["get /hops"]` + "\n"},
		{"/api/v2/spans?serviceName=nobody", 200, json, "[]\n"},
		{"/api/v2/spans", 400, text, "serviceName is missing"},
		{"/api/v2/remoteServices?serviceName=front", 200, json, `["caller"]` + "\n"},
		{"/api/v2/traces?" + window + "&annotationQuery=request=0-0", 200, json, "[[" + first},
		{"/api/v2/traces?serviceName=clock", 200, json, "[]\n"},
		{"/api/v2/traces?limit=many", 400, text, `limit: want a whole number, got "many"`},
		{"/api/v2/traces?maxDuration=5", 400, text, "maxDuration is only valid with minDuration"},
		{"/api/v2/trace/1", 200, json, "[" + first},
		{"/api/v2/trace/9", 404, text, "0000000000000009 not found"},
		{"/api/v2/trace/XYZ", 400, text, `traceId "XYZ" is not lower-case hex`},
		{"/api/v2/traceMany?traceIds=1,2", 200, json, "[[" + first},
		{"/api/v2/traceMany?traceIds=1,1", 400, text, "redundant traceId: 1"},
		{"/api/v2/dependencies?" + window, 200, json, `[{"parent":"caller","child":"front","callCount":2},{"parent":"front","child":"middle","callCount":1}]` + "\n"},
		{"/api/v2/dependencies", 400, text, "endTs is missing"},
		{"/api/v2/autocompleteKeys", 200, json, "[]\n"},
		{"/api/v2/autocompleteValues?key=http.route", 200, json, "[]\n"},
		{"/api/v2/autocompleteValues?key=", 400, text, "key was empty"},
		{"/zipkin/api/v2/services", 200, json, `["front","middle"]` + "\n"},
		{"/zipkin/api/v2/trace/1", 200, json, "[" + first},
		{"/zipkin/config.json", 200, json, `{"environment":"","queryLimit":10,"defaultLookback":900000,"searchEnabled":true,`},
		{"/health", 200, json, `{"status":"UP"`},
		{"/info", 200, json, `{"zipkin":{"version":""}}`},
		{"/", 302, "text", `<a href="http://localhost:8090/">`},
		{"/zipkin/", 302, "text", `<a href="http://localhost:8090/">`},
		{"/zipkin/traces/1", 302, "text", `<a href="http://localhost:8090/trace/0000000000000001">`},
		{"/zipkin/traces/XYZ", 400, "text", `traceId "XYZ" is not lower-case hex`},
		{"/nothing", 404, "text", ""},
	} {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			got := get(t, server.URL+test.path)
			if got.code != test.code || !strings.HasPrefix(got.kind, test.kind) || !strings.HasPrefix(got.body, test.want) {
				t.Errorf("got %d %s %s\nwant %d %s %s", got.code, got.kind, got.body, test.code, test.kind, test.want)
			}
		})
	}
}

// get sends a request and does not follow redirects.
func get(t *testing.T, address string) response {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return askWith(t, client, "GET", address, nil, nil)
}

func TestPagesWithoutConsole(t *testing.T) {
	t.Parallel()
	handler := start(t, Options{}).Zipkin()
	for path, want := range map[string]string{"/": "POST /api/v2/spans", "/zipkin/traces/1": `<a href="/api/v2/trace/0000000000000001">`} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code >= 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestWrongMethod(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	start(t, Options{}).Zipkin().ServeHTTP(w, httptest.NewRequest("DELETE", "/api/v2/spans", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("got %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

// No JSON response has null instead of a list: Zipkin's page would fail on it.
func TestEmptyListsAreLists(t *testing.T) {
	t.Parallel()
	handler := start(t, Options{}).Zipkin()
	for _, path := range []string{
		"/api/v2/services", "/api/v2/spans?serviceName=a", "/api/v2/remoteServices?serviceName=a", "/api/v2/traces", "/api/v2/traceMany?traceIds=1,2",
		"/api/v2/dependencies?endTs=1", "/api/v2/autocompleteKeys", "/api/v2/autocompleteValues?key=a",
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		var list []any
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || list == nil || len(list) != 0 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
