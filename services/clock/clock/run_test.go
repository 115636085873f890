package clock

import (
	"net/http"
	"regexp"
	"testing"

	"go.uber.org/goleak"

	"github.com/hopline/hopline/pkg/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRoutes requests every route in both of its forms.
func TestRoutes(t *testing.T) {
	t.Parallel()
	clock := servertest.Start(t, Run, "SERVICE_VERSION=prod", "HOSTNAME=clock-1")
	const (
		text = "text/plain"
		json = "application/json"
		line = `^took \([0-9.e-]+ ms\) clock-prod at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$`
		now  = `\{"service":"clock","version":"prod","host":"clock-1","datetime":"[^"]+Z","unixtime":\d+,"duration_ms":[0-9.e-]+\}`
		here = `^\{"abbreviation":"WIB","client_ip":"127\.0\.0\.1","datetime":"[^"]+\+07:00",.*"timezone":"Asia/Jakarta",.*"week_number":\d+\}\n$`
	)
	for _, test := range []struct {
		method, path, accept string
		code                 int
		kind, body           string // of the response; the body as a pattern
	}{
		{"GET", "/time", "", 200, text, line},
		{"GET", "/time", "*/*", 200, text, line},
		{"GET", "/time", json, 200, json, "^" + now + "\n$"},
		{"GET", "/hops", "*/*", 200, text, line},
		{"GET", "/hops", json, 200, json,
			`^\{"trace_id":"[0-9a-f]{32}","hops":\[\{"service":"clock","version":"prod","host":"clock-1","upstream":"","duration_ms":[0-9.e-]+,"code":200\}\],"time":` + now + `\}` + "\n$"},
		{"GET", "/hello", "*/*", 200, json, `^\{"hello":"world!"\}\n$`},
		{"GET", "/api/timezone", "*/*", 200, json, `^\["Africa/Abidjan","Africa/Accra",.*,"WET","Zulu"\]\n$`},
		{"GET", "/api/timezone/", "", 200, json, `^\["Africa/Abidjan",`},
		{"GET", "/api/timezone", text, 200, text, `^Africa/Abidjan\nAfrica/Accra\n(.+\n)*Zulu\n$`},
		{"GET", "/api/timezone/Asia/Jakarta", "*/*", 200, json, here},
		{"GET", "/api/timezone/Asia/Jakarta/", "", 200, json, here},
		{"GET", "/api/timezone/Asia%2FJakarta", "", 200, json, here},
		{"GET", "/api/timezone/Asia/Jakarta", text, 200, text, `^abbreviation: WIB\nclient_ip: 127\.0\.0\.1\n(.+\n)*week_number: \d+\n$`},
		{"GET", "/api/timezone/UTC", "", 200, json, `"timezone":"UTC"`},
		{"GET", "/api/timezone/America/Argentina/Salta", "", 200, json, `"timezone":"America/Argentina/Salta"`},
		{"GET", "/api/timezone/Etc/GMT+5", "", 200, json, `"utc_offset":"-05:00"`},
		{"GET", "/api/timezone/Etc/GMT%2B5", "", 200, json, `"utc_offset":"-05:00"`},
		{"GET", "/api/timezone/Mars/Base", "*/*", 404, json, `^\{"error":"unknown time zone \\"Mars/Base\\"; GET /api/timezone lists all names"\}\n$`},
		{"GET", "/api/timezone/Europe", "", 404, json, `unknown time zone`},
		{"GET", "/api/timezone/asia/jakarta", "", 404, json, `unknown time zone`},
		{"GET", "/api/timezone/Asia/Jakarta//", "", 404, json, `unknown time zone`},
		{"GET", "/api/timezone/a/b/c/d", "", 404, json, `unknown time zone`},
		{"GET", "/api/timezone/%2e%2e/%2e%2e/etc/passwd", "", 404, json, `unknown time zone`},
		{"GET", "/api/timezone/..%2f..%2fetc%2fpasswd", "", 404, json, `unknown time zone`},
		{"GET", "/api/timezone/%00%0a%ff", "", 404, json, `unknown time zone \\"`},
		{"POST", "/time", "", 405, "", ""},
		{"GET", "/times", "", 404, "", ""},
	} {
		t.Run(test.method+" "+test.path+" "+test.accept, func(t *testing.T) {
			t.Parallel()
			resp, body := do(t, test.method, clock.URL+test.path, "Accept", test.accept)
			if resp.StatusCode != test.code {
				t.Errorf("status %d, want %d", resp.StatusCode, test.code)
			}
			if kind := resp.Header.Get("Content-Type"); test.kind != "" && !regexp.MustCompile("^"+test.kind).MatchString(kind) {
				t.Errorf("Content-Type %q, want %s", kind, test.kind)
			}
			if !regexp.MustCompile(test.body).MatchString(body) {
				t.Errorf("the body does not match %s:\n%s", test.body, body)
			}
			if by := resp.Header.Get("X-Served-By"); by != "clock-prod/clock-1" {
				t.Errorf("served by %q", by)
			}
		})
	}
}

func TestClientIP(t *testing.T) {
	t.Parallel()
	clock := servertest.Start(t, Run)
	for _, test := range []struct{ forwarded, want string }{
		{"203.0.113.7", "203.0.113.7"},
		{"203.0.113.7, 10.0.0.1", "203.0.113.7"},
		{"2001:DB8::1", "2001:db8::1"},
		{"::ffff:203.0.113.7", "203.0.113.7"},
		{`"><script>`, "127.0.0.1"},
		{"unknown, 203.0.113.7", "127.0.0.1"},
	} {
		_, body := do(t, "GET", clock.URL+"/api/timezone/UTC", "X-Forwarded-For", test.forwarded)
		if want := `"client_ip":"` + test.want + `"`; !regexp.MustCompile(regexp.QuoteMeta(want)).MatchString(body) {
			t.Errorf("%s: want %s in %s", test.forwarded, want, body)
		}
	}
}

// do sends a request on a connection of its own and sets one header unless its value is empty.
func do(t *testing.T, method, url, header, value string) (*http.Response, string) {
	t.Helper()
	if value == "" {
		return servertest.Ask(t, method, url, "")
	}
	return servertest.Ask(t, method, url, "", header, value)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	servertest.Help(t, Run)
}

// TestBadSettings: all invalid settings are reported together.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	servertest.BadSettings(t, Run, "PORT=noon", "ERROR_RATE=101", "LATENCY=2s-1s")
}
