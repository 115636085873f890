package core

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hopline/hopline/pkg/relay"
	"github.com/hopline/hopline/pkg/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source starts a time source that responds with body, as JSON if it looks like JSON.
func source(t *testing.T, code int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/time"
}

// TestRoutes checks the paths without an upstream.
func TestRoutes(t *testing.T) {
	t.Parallel()
	core := servertest.Start(t, Run, "SLOW_DURATION=10ms", "TIME_URL=http://unused.invalid")
	for _, c := range []struct {
		path string
		code int
		body string
	}{
		{"/hello", 200, `^{"hello":"world!"}\n$`},
		{"/fast-endpoint", 200, `^I am a fast request\n$`},
		{"/slow-endpoint", 200, `^I am a slow request that took \d\.\d\d seconds to complete\.\n$`},
		{"/hops", 502, `^took .* http://unused\.invalid\ncore-dev: http://unused\.invalid: .*\n$`},
		{"/", 404, `^404 page not found\n$`},
	} {
		if resp, body := servertest.Ask(t, "GET", core.URL+c.path, ""); resp.StatusCode != c.code || !regexp.MustCompile(c.body).MatchString(body) {
			t.Errorf("%s: %d %q, wanted %d %s", c.path, resp.StatusCode, body, c.code, c.body)
		}
	}
}

// TestHops checks each kind of time source, as text and as JSON.
func TestHops(t *testing.T) {
	t.Parallel()
	const (
		clock   = `{"service":"clock","version":"prod","host":"clock-1","datetime":"2026-01-02T03:04:05Z","unixtime":1767323045,"duration_ms":0.006}`
		foreign = `{"abbreviation":"WIB","datetime":"2026-01-02T10:04:05.123456+07:00","timezone":"Asia/Jakarta"}`
		line    = "took (0.006 ms) clock-prod at 2026-01-02T03:04:05Z"
	)
	for name, c := range map[string]struct {
		code   int
		answer string // of the source
		want   int
		lines  string // after the own line
		time   string // in the JSON
		error  string
	}{
		"clock":         {200, clock, 200, "\n" + line + "\n", clock, ""},
		"clock as text": {200, line + "\n", 200, "\n" + line + "\n", `"` + line + `"`, ""},
		"foreign":       {200, foreign, 200, " at 2026-01-02T10:04:05.123456+07:00\n", foreign, ""},
		"failing":       {500, "Internal Server Error\n", 500, "\nInternal Server Error\n", "", "Internal Server Error"},
		"unknown zone":  {404, `{"error":"unknown location"}`, 404, "\n" + `{"error":"unknown location"}`, "", `{"error":"unknown location"}`},
		"no time":       {200, `{"hello":"world"}`, 502, "\n" + `the time source sent no time: want a datetime of RFC 3339, got "{\"hello\":\"world\"}"` + "\n", "", `the time source sent no time: want a datetime of RFC 3339, got "{\"hello\":\"world\"}"`},
		"a page":        {200, "<html>", 502, "\n" + `the time source sent no time: want a datetime of RFC 3339, got "<html>"` + "\n", "", `the time source sent no time: want a datetime of RFC 3339, got "<html>"`},
		"forged line":   {200, "took (1 ms) x at y\ntook (2 ms) z at 2026-01-02T03:04:05Z", 502, "\n" + `the time source sent no time: want a datetime of RFC 3339, got "took (1 ms) x at y\ntook (2 ms) z at 2026-01-02T03:04:05Z"` + "\n", "", `the time source sent no time: want a datetime of RFC 3339, got "took (1 ms) x at y\ntook (2 ms) z at 2026-01-02T03:04:05Z"`},
		"forged name":   {200, `{"service":"a\nb","version":"v","datetime":"2026-01-02T03:04:05Z"}`, 200, " at 2026-01-02T03:04:05Z\n", `{"service":"a\nb","version":"v","datetime":"2026-01-02T03:04:05Z"}`, ""},
		"forged date":   {200, `{"datetime":"2026-01-02\n"}`, 502, "\n" + `the time source sent no time: want a datetime of RFC 3339, got "{\"datetime\":\"2026-01-02\\n\"}"` + "\n", "", `the time source sent no time: want a datetime of RFC 3339, got "{\"datetime\":\"2026-01-02\\n\"}"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := source(t, c.code, c.answer)
			core := servertest.Start(t, Run, "TIME_URL="+address, "SERVICE_VERSION=prod")
			resp, body := servertest.Ask(t, "GET", core.URL+"/hops", "")
			own := regexp.MustCompile(`^took \([0-9.]+ ms\) core-prod --getRespondFrom--> ` + address)
			if rest := own.ReplaceAllString(body, ""); resp.StatusCode != c.want || !own.MatchString(body) || rest != c.lines {
				t.Errorf("%d %q, wanted %d and %q behind the own line", resp.StatusCode, body, c.want, c.lines)
			}
			resp, body = servertest.Ask(t, "GET", core.URL+"/hops", "", "Accept", "application/json")
			var got relay.Hops
			if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != c.want {
				t.Fatalf("%d %s: %v", resp.StatusCode, body, err)
			}
			if len(got.Hops) != 1 || got.Hops[0].Upstream != address || got.Hops[0].Code != c.code || got.TraceID != resp.Header.Get("X-B3-Traceid") {
				t.Errorf("hops %+v", got)
			}
			if string(got.Time) != c.time || got.Error != c.error {
				t.Errorf("time %s with error %q, wanted %s with %q", got.Time, got.Error, c.time, c.error)
			}
		})
	}
}

// TestSlow: the endpoint works inside its own span, logs its line, and stops when the client has disconnected.
func TestSlow(t *testing.T) {
	t.Parallel()
	zipkin := servertest.NewCollector(t)
	core := servertest.Start(t, Run, "SLOW_DURATION=10m", "OTEL_EXPORTER_ZIPKIN_ENDPOINT="+zipkin.Endpoint)
	client := http.Client{Timeout: 100 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	if resp, err := client.Get(core.URL + "/slow-endpoint"); err == nil {
		resp.Body.Close()
		t.Fatal("the endpoint responded before its ten minutes were over")
	}
	if code := core.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	server, work := zipkin.Find("core", "GET /slow-endpoint"), zipkin.Find("core", "data_transformation")
	if work.ParentID != server.ID || work.TraceID != server.TraceID || work.Kind != "" {
		t.Errorf("span %+v is not a child of %+v", work, server)
	}
	for _, want := range []string{`"msg":"Calling the slow function 'data_transformation'"`, `"span_id":"` + work.ID + `"`, `"code":499`} {
		if !strings.Contains(core.Logs(), want) {
			t.Errorf("no %s in the log:\n%s", want, core.Logs())
		}
	}
}

// TestStop: SIGTERM loses none of the requests on their way to the clock.
func TestStop(t *testing.T) {
	t.Parallel()
	const line = "took (0.006 ms) clock-prod at 2026-01-02T03:04:05Z\n"
	servertest.Stop{
		Env: []string{"TIME_URL={upstream}/time"}, Method: "GET", Path: "/hops", Upstream: line, Want: line,
	}.LosesNone(t, Run)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	servertest.Help(t, Run)
}

// TestBadSettings: all invalid settings are reported together.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	servertest.BadSettings(t, Run, "TIME_URL=clock", "SLOW_DURATION=1h", "SHUTDOWN_TIMEOUT=-1s")
}

// TestBuiltOf: the packages that the suite demonstrates are part of a service, not only of its tests.
func TestBuiltOf(t *testing.T) {
	t.Parallel()
	deps, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(deps))
	for _, want := range []string{
		"go.opentelemetry.io/otel/exporters/zipkin", "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp",
		"go.opentelemetry.io/contrib/propagators/b3", "github.com/prometheus/client_golang/prometheus/promhttp",
		"github.com/go-chi/chi/v5", "go.uber.org/zap",
	} {
		if !slices.Contains(packages, want) {
			t.Errorf("core is built without %s", want)
		}
	}
}
