package front

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hopline/hopline/pkg/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" // what browsers send with a navigation
	curl    = "*/*"
)

// TestRoutes requests every route as a browser, as curl and as a program.
func TestRoutes(t *testing.T) {
	t.Parallel()
	front := servertest.Start(t, Run, "UPSTREAM_URL="+newMiddle(t).URL, "SERVICE_VERSION=amber")
	for _, test := range []struct {
		name, path, accept string
		header             http.Header
		code               int
		kind               string // the beginning of Content-Type
		contains           string
	}{
		{name: "the page", path: "/", accept: browser, code: 200, kind: "text/html", contains: "Slow page"},
		{name: "the page for others", path: "/", accept: curl, code: 200, kind: "text/plain", contains: "front-amber --getRespondFrom--> http://"},
		{name: "the page as JSON", path: "/", accept: "application/json", code: 200, kind: "application/json", contains: `"service":"front"`},
		{name: "hops", path: "/hops", accept: curl, code: 200, kind: "text/plain", contains: "took (8 ms) core-test --getRespondFrom--> http://clock/time\n"},
		{name: "hops in a browser", path: "/hops", accept: browser, code: 200, kind: "text/plain", contains: "front-amber"},
		{name: "slow", path: "/slow-page", accept: curl, code: 200, kind: "text/plain", contains: "Response from core: I am <slow>\n"},
		{name: "slow in a browser", path: "/slow-page", accept: browser, code: 200, kind: "text/html", contains: "Response from core: I am &lt;slow&gt;"},
		{name: "fast", path: "/fast-page", accept: curl, code: 200, kind: "text/plain", contains: "Hello Fast!\n"},
		{name: "fast in a browser", path: "/fast-page", accept: browser, code: 200, kind: "text/html", contains: "Hello Fast!"},
		{name: "hello", path: "/hello", accept: browser, code: 200, kind: "application/json", contains: `{"hello":"world!"}`},
		{name: "unknown", path: "/web/page.js", accept: browser, code: 404},
		{name: "an upstream's 503", path: "/slow-page", accept: curl, header: http.Header{"X-Dev-User": {"broken"}}, code: 503, contains: "no <healthy> upstream"},
		{name: "an upstream's 503 in a browser", path: "/slow-page", accept: browser, header: http.Header{"X-Dev-User": {"broken"}}, code: 503, kind: "text/html", contains: "no &lt;healthy&gt; upstream"},
		{name: "an endless response", path: "/slow-page", accept: curl, header: http.Header{"X-Dev-User": {"endless"}}, code: 502, contains: "longer than 65536 bytes"},
		{name: "an aborted response", path: "/slow-page", accept: browser, header: http.Header{"X-Dev-User": {"cut"}}, code: 502, kind: "text/html", contains: "unexpected EOF"},
		{name: "failing on purpose", path: "/slow-page", accept: browser, header: http.Header{"Fail": {"1"}}, code: 500},
		{name: "a bad header", path: "/fast-page", accept: curl, header: http.Header{"Fail": {"abc"}}, code: 400, contains: `fail: want a number from 0 to 1, got "abc"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resp, body := get(t, front.URL+test.path, test.accept, test.header)
			if resp.StatusCode != test.code {
				t.Errorf("status %d, want %d", resp.StatusCode, test.code)
			}
			if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, test.kind) {
				t.Errorf("Content-Type %q, want %s", kind, test.kind)
			}
			if !strings.Contains(body, test.contains) {
				t.Errorf("the body lacks %q: %.2000s", test.contains, body)
			}
			if trace := resp.Header.Get("X-B3-Traceid"); len(trace) != 32 {
				t.Errorf("trace id %q, want 32 hex digits", trace)
			}
		})
	}
}

// newMiddle starts a server with the responses of middle that front uses; x-dev-user selects an error.
func newMiddle(t *testing.T) *httptest.Server {
	middle := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path + " " + r.Header.Get("X-Dev-User") {
		case "/slow-endpoint ":
			io.WriteString(w, "I am <slow>\n")
		case "/slow-endpoint broken":
			http.Error(w, "no <healthy> upstream", http.StatusServiceUnavailable)
		case "/slow-endpoint endless":
			io.WriteString(w, strings.Repeat("x", longestResponse+1))
		case "/slow-endpoint cut":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "I am")
		case "/fast-endpoint ":
			io.WriteString(w, "I am a fast request\n")
		case "/hops ":
			middleHops(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(middle.Close)
	return middle
}

func middleHops(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Accept") == "application/json" {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"trace_id":"","hops":[{"service":"core","version":"test","host":"core-1","upstream":"http://clock/time","duration_ms":8.2,"code":200}],"time":{}}`)
		return
	}
	io.WriteString(w, "took (8 ms) core-test --getRespondFrom--> http://clock/time\ntook (0.006 ms) clock-prod at 2026-01-02T03:04:05Z\n")
}

func get(t *testing.T, url, accept string, header http.Header) (*http.Response, string) {
	t.Helper()
	list := []string{"Accept", accept}
	for name, values := range header {
		for _, value := range values {
			list = append(list, name, value)
		}
	}
	return servertest.Ask(t, http.MethodGet, url, "", list...)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	servertest.Help(t, Run)
}

// TestBadSettings: all invalid settings are reported together.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	servertest.BadSettings(t, Run, "UPSTREAM_URL=https://middle", "TRACE_UI_URL=javascript:alert({traceID})", "PORT=many")
}
