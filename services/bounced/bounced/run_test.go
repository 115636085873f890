package bounced

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/hopline/hopline/pkg/server"
	"github.com/hopline/hopline/pkg/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEchoJSON compares the whole response: order of the keys, headers with the three times, body as it arrived.
func TestEchoJSON(t *testing.T) {
	t.Parallel()
	bounced := servertest.Start(t, Run, "SERVICE_NAME=minimal", "SERVICE_VERSION=v2", "HOSTNAME=minimal-v2-1")
	host := strings.TrimPrefix(bounced.URL, "http://")
	for _, c := range []struct{ method, path, body, tail string }{
		{"GET", "/any/path?x=1&y=%20", "", `}`},
		{"GET", "/", "a \"body\"", `,"body":"a \"body\""}`},
		{"GET", "/bounce", "", `}`},
		{"GET", "/a%2Fb", "\xff", `,"body":"` + `\ufffd` + `"}`},
	} {
		resp, body := servertest.Ask(t, c.method, bounced.URL+c.path, c.body, "X-Test", "one", "X-Test", "two", "User-Agent", "test")
		want := `^\{"host":"` + host + `","statuscode":200,"headers":\{"Accept-Encoding":"gzip","Connection":"close",` +
			map[bool]string{true: `"Content-Length":"\d+",`}[c.body != ""] +
			`"Duration":"[0-9.]+","Request-time":"\d{4}-[^"]+Z","Response-time":"\d{4}-[^"]+Z","User-Agent":"test","X-Test":"one, two"\},` +
			`"protocol":"HTTP/1.1","requestURI":"` + regexp.QuoteMeta(c.path) + `","servedBy":"minimal-v2-1","version":"v2","method":"GET"` + regexp.QuoteMeta(c.tail) + `\n$`
		if resp.StatusCode != 200 || !regexp.MustCompile(want).MatchString(body) {
			t.Errorf("%s %s: %d %s\nwanted %s", c.method, c.path, resp.StatusCode, body, want)
		}
	}
	if resp, body := servertest.Ask(t, "HEAD", bounced.URL+"/x", ""); resp.StatusCode != 200 || body != "" || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %d %q %v", resp.StatusCode, body, resp.Header)
	}
}

// TestEchoText: the same as text, requested by either header.
func TestEchoText(t *testing.T) {
	t.Parallel()
	bounced := servertest.Start(t, Run, "HOSTNAME=minimal-v1-1")
	for _, header := range [][2]string{{"Accept", "text/plain"}, {"Content-Type", "text/plain; charset=utf-8"}} {
		_, body := servertest.Ask(t, "GET", bounced.URL+"/a?b=c", "the\nbody", header[0], header[1], "User-Agent", "test", "B", "2", "B", "1")
		names := []string{"Accept-Encoding: gzip", "B: 2", "B: 1", "Connection: close", "Content-Length: 8", "User-Agent: test"}
		if header[0] == "Accept" {
			names = append([]string{"Accept: text/plain"}, names...)
		} else {
			names = []string{"Accept-Encoding: gzip", "B: 2", "B: 1", "Connection: close", "Content-Length: 8", "Content-Type: text/plain; charset=utf-8", "User-Agent: test"}
		}
		want := "Request served by minimal-v1-1\n\nGET /a?b=c HTTP/1.1\nHost: " + strings.TrimPrefix(bounced.URL, "http://") + "\n" +
			strings.Join(names, "\n") + "\n\nthe\nbody"
		if d := cmp.Diff(want, body); d != "" {
			t.Errorf("%s (-want +got):\n%s", header[0], d)
		}
	}
}

// TestRoutes checks the probes, and what each method gets.
func TestRoutes(t *testing.T) {
	t.Parallel()
	bounced := servertest.Start(t, Run, "ERROR_RATE=0")
	failing := servertest.Start(t, Run, "ERROR_RATE=100", "DROP_RATE=100")
	for _, c := range []struct {
		to           *servertest.Running
		method, path string
		code         int
		body, allow  string
	}{
		{bounced, "GET", "/health", 200, "Status OK\n", ""},
		{failing, "GET", "/health", 200, "Status OK\n", ""},
		{bounced, "GET", "/crash", 404, "404 page not found\n", ""},
		{bounced, "DELETE", "/x", 405, "405 method not allowed, but GET, HEAD\n", "GET, HEAD"},
		{bounced, "POST", "/x", 405, "405 method not allowed, but GET, HEAD\n", "GET, HEAD"},
		{bounced, "PUT", "/bounce", 405, "405 method not allowed, but GET, HEAD, POST\n", "GET, HEAD, POST"},
		{bounced, "BREW", "/x", 405, "405 method not allowed, but GET, HEAD\n", "GET, HEAD"},
	} {
		if resp, body := servertest.Ask(t, c.method, c.to.URL+c.path, ""); resp.StatusCode != c.code || body != c.body || resp.Header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d %q with Allow %q, wanted %d %q %q", c.method, c.path, resp.StatusCode, body, resp.Header.Get("Allow"), c.code, c.body, c.allow)
		}
	}
	if resp, body := servertest.Ask(t, "GET", bounced.URL+"/", strings.Repeat("b", 1<<20+1)); resp.StatusCode != 413 {
		t.Errorf("a body over the limit: %d %s", resp.StatusCode, body)
	}
}

// TestCrash: the process ends with code 137, in the middle of its response.
func TestCrash(t *testing.T) {
	t.Parallel()
	bounced := servertest.Start(t, Run, "ALLOW_CRASH=true", "ERROR_RATE=100")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, bounced.URL+"/crash", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
		resp.Body.Close()
		t.Errorf("a response: %d", resp.StatusCode)
	}
	if code := bounced.Crashed(); code != 137 {
		t.Errorf("exit code %d, wanted 137", code)
	}
	if !strings.Contains(bounced.Logs(), "crashing, as requested") {
		t.Errorf("logged %s", bounced.Logs())
	}
}

// TestPagesOfOtherOrigins: pages of other origins can neither end the process nor make it call an endpoint.
func TestPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	bounced := servertest.Start(t, Run, "ALLOW_CRASH=true")
	order := `{"rebound":"false","endpoint":"http://bounced"}`
	for _, c := range []struct {
		method, path, body string
		header             []string
		code               int
	}{
		{"GET", "/crash", "", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"GET", "/crash", "", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"HEAD", "/crash", "", []string{"Origin", "http://evil.example"}, 403},
		{"POST", "/bounce", order, []string{"Origin", "http://evil.example"}, 403},
		{"POST", "/bounce", order, []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"}, 403},
		{"POST", "/bounce", order, []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"GET", "/echo", "", []string{"Sec-Fetch-Site", "cross-site"}, 200},
	} {
		if resp, body := servertest.Ask(t, c.method, bounced.URL+c.path, c.body, c.header...); resp.StatusCode != c.code {
			t.Errorf("%s %s with %q: %d %s, want %d", c.method, c.path, c.header, resp.StatusCode, body, c.code)
		}
	}
}

// TestBounce calls an allowed endpoint on loopback.
func TestBounce(t *testing.T) {
	t.Parallel()
	var got http.Header
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Endpoint", "here")
		switch r.URL.Path {
		case "/fail":
			w.WriteHeader(500)
		case "/away":
			http.Redirect(w, r, "http://not.allowed.example/", http.StatusFound)
		case "/on":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "/ok":
			got = r.Header.Clone()
		}
	}))
	defer endpoint.Close()
	bounced := servertest.Start(t, Run, "BOUNCE_ALLOW=127.0.0.1", "SERVICE_VERSION=v1")
	for path, want := range map[string]string{
		"/ok": `"body":"200 OK"`, "/fail": `"body":"500 Internal Server Error"`, "/on": `"body":"200 OK"`, "/away": `"body":"302 Found"`,
	} {
		resp, body := servertest.Ask(t, "POST", bounced.URL+"/bounce", `{"rebound":"true","endpoint":"`+endpoint.URL+path+`"}`,
			"X-Dev-User", "betaUser", "Content-Type", "application/x-www-form-urlencoded", "Cookie", "secret")
		if resp.StatusCode != 200 || !strings.Contains(body, want) || !strings.Contains(body, `"X-Endpoint":"here"`) || !strings.HasPrefix(body, `{"host":"127.0.0.1:`) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
		if code := strings.Fields(want[8:])[0]; !strings.Contains(body, `"statuscode":`+code+`,`) {
			t.Errorf("%s: wanted statuscode %s in %s", path, code, body)
		}
		if path == "/ok" && (got.Get("X-Dev-User") != "betaUser" || got.Get("X-B3-Traceid") != resp.Header.Get("X-B3-Traceid") || got.Get("Cookie") != "") {
			t.Errorf("the endpoint got %v", got)
		}
	}
	if _, metrics := servertest.Ask(t, "GET", bounced.Admin+"/metrics", ""); !strings.Contains(metrics, `http_client_requests_total{code="500",method="GET",upstream="127.0.0.1"} 1`) {
		t.Errorf("the upstream is not named by its pattern:\n%s", metrics)
	}
}

// TestBounceRefused: requests that get an error without a call, and the reasons.
func TestBounceRefused(t *testing.T) {
	t.Parallel()
	bounced := servertest.Start(t, Run)
	for body, want := range map[string]string{
		`{"rebound":"false","endpoint":"http://bounced"}`: "200 ",
		`{"rebound":"","endpoint":""}`:                    "200 ",
		``:                                                "400 want JSON such as",
		`rebound=true`:                                    "400 want JSON such as",
		`{"rebound":"true","endpoint":"http://b"`:      "400 want JSON such as",
		`{"rebound":"true","endpoint":"http://b"} and`: "400 want JSON such as",
		`[]`:                                                            "400 want JSON such as",
		`{"rebound":true,"endpoint":"http://b"}`:                        "400 rebound: want a string, got bool",
		`{"rebound":"true","endpoint":7}`:                               "400 endpoint: want a string, got number",
		`{"endpoint":"http://b"}`:                                       "400 rebound: want",
		`{"rebound":"true"}`:                                            "400 endpoint: want a URL",
		`{"rebound":"true","endpoint":"bounced"}`:                       "400 endpoint: want a URL",
		`{"rebound":"true","endpoint":"https://bounced"}`:               "400 endpoint: want an http:// URL",
		`{"rebound":"true","endpoint":"http://example.com"}`:            "403 endpoint: BOUNCE_ALLOW=*,*.svc,*.svc.cluster.local,*.external.kind.org does not allow",
		`{"rebound":"true","endpoint":"http://127.0.0.1:1"}`:            "403 endpoint: BOUNCE_ALLOW=",
		`{"rebound":"true","endpoint":"http://localhost"}`:              "403 endpoint: BOUNCE_ALLOW=",
		`{"rebound":"true","endpoint":"http://core:8081/"}`:             "403 endpoint: BOUNCE_ALLOW=",
		`{"rebound":"true","endpoint":"http://[::1]/"}`:                 "403 endpoint: BOUNCE_ALLOW=",
		`{"rebound":"true","endpoint":"http://0x7f000001/"}`:            "403 endpoint: BOUNCE_ALLOW=",
		`{"rebound":"true","endpoint":"http://2130706433/"}`:            "403 endpoint: BOUNCE_ALLOW=",
		`{"rebound":"true","endpoint":"http://169.254.169.254/latest"}`: "403 endpoint: BOUNCE_ALLOW=",
	} {
		resp, text := servertest.Ask(t, "POST", bounced.URL+"/bounce", body)
		var refusal problem
		_ = json.Unmarshal([]byte(text), &refusal)
		if got := fmt.Sprint(resp.StatusCode, " ", refusal.Error); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, wanted %s", body, got, want)
		}
		if want == "200 " && text != "" {
			t.Errorf("%s: body %q, wanted none", body, text)
		}
	}
}

// TestBounceTrouble: an endpoint that is unreachable, or does not respond in time, gives 502 or 504 with the reason.
func TestBounceTrouble(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // connections wait in its backlog, and nothing responds
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	bounced := servertest.Start(t, func(p server.Process) int { return runWith(p, 200*time.Millisecond) }, "BOUNCE_ALLOW=127.0.0.1")
	for address, want := range map[string]int{listener.Addr().String(): 504, closed.Addr().String(): 502} {
		resp, body := servertest.Ask(t, "POST", bounced.URL+"/bounce", `{"rebound":"true","endpoint":"http://`+address+`"}`)
		if resp.StatusCode != want || !strings.Contains(body, "bounced-dev: http://"+address) {
			t.Errorf("%d %s, wanted %d", resp.StatusCode, body, want)
		}
	}
}

// TestStop: SIGTERM loses none of the bounces in flight.
func TestStop(t *testing.T) {
	t.Parallel()
	servertest.Stop{
		Env: []string{"BOUNCE_ALLOW=127.0.0.1"}, Method: "POST", Path: "/bounce", Body: `{"rebound":"true","endpoint":"{upstream}"}`, Want: `"body":"200 OK"`,
	}.LosesNone(t, Run)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	servertest.Help(t, Run)
}

// TestBadSettings: all invalid settings are reported together.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	servertest.BadSettings(t, Run, "BOUNCE_ALLOW=http://x", "ALLOW_CRASH=perhaps", "DROP_RATE=NaN")
}
