package collector

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hopline/hopline/lab/internal/await"
	"github.com/hopline/hopline/lab/zipkin"
)

// TestServiceExports runs a service of the suite with each of its exporters and expects its span, a child of the caller's, in the store:
// the same span with either protocol.
func TestServiceExports(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to build a service with")
	}
	clock := filepath.Join(t.TempDir(), "clock")
	if runtime.GOOS == "windows" {
		clock += ".exe"
	}
	build := exec.Command("go", "build", "-trimpath", "-o", clock, ".")
	build.Dir, build.Env = filepath.Join("..", "..", "services", "clock"), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the clock does not build: %v: %s", err, out)
	}
	c := start(t, Options{})
	zipkinServer, otlpServer := httptest.NewServer(c.Zipkin()), httptest.NewServer(c.OTLP())
	t.Cleanup(zipkinServer.Close)
	t.Cleanup(otlpServer.Close)
	var spans []*zipkin.Span
	for _, test := range []struct {
		trace         string
		env           []string
		header, value string
	}{
		{"463ac35c9f6413ad48485a3953bb6124", []string{"OTEL_TRACES_EXPORTER=zipkin", "OTEL_EXPORTER_ZIPKIN_ENDPOINT=" + zipkinServer.URL + "/api/v2/spans"},
			"b3", "463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1"},
		{"463ac35c9f6413ad48485a3953bb6125", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_PROPAGATORS=tracecontext", "OTEL_EXPORTER_OTLP_ENDPOINT=" + otlpServer.URL},
			"traceparent", "00-463ac35c9f6413ad48485a3953bb6125-a2fb4a1d1a96d312-01"},
		{"463ac35c9f6413ad48485a3953bb6126", []string{"OTEL_TRACES_EXPORTER=otlp", "OTEL_PROPAGATORS=tracecontext", "OTEL_EXPORTER_OTLP_ENDPOINT=" + otlpServer.URL, "OTEL_EXPORTER_OTLP_COMPRESSION=gzip"},
			"traceparent", "00-463ac35c9f6413ad48485a3953bb6126-a2fb4a1d1a96d312-01"},
	} {
		address := run(t, clock, test.env)
		if got := ask(t, "GET", "http://"+address+"/time", nil, http.Header{test.header: {test.value}}); got.code != http.StatusOK {
			t.Fatalf("the clock responded with %+v", got)
		}
		var found []*zipkin.Span
		await.That(t, "the span of "+test.env[0], func() bool {
			var err error
			if found, err = c.Trace(test.trace); err != nil {
				t.Fatal(err)
			}
			return len(found) > 0
		})
		span := *found[0]
		if span.TraceID != test.trace || span.ParentID != "a2fb4a1d1a96d312" || span.Kind != zipkin.Server || serviceOf(span.LocalEndpoint) != "clock" || span.Tags.Get("http.route") != "/time" {
			t.Errorf("%s: got %+v", test.env, span)
		}
		spans = append(spans, blank(&span))
	}
	for i := range spans[1:] {
		if diff := cmp.Diff(spans[0], spans[i+1]); diff != "" {
			t.Errorf("the same request by two exporters (-zipkin +otlp %d):\n%s", i, diff)
		}
	}
}

// blank removes what differs between requests.
func blank(s *zipkin.Span) *zipkin.Span {
	s.TraceID, s.ID, s.Timestamp, s.Duration = "", "", 0, 0
	s.Tags = slices.DeleteFunc(s.Tags, func(t zipkin.Tag) bool {
		return slices.Contains([]string{"network.peer.port", "server.port", "http.response.body.size"}, t.Key)
	})
	return s
}

// run starts the clock on a free port, ends it with the test, and returns its address.
func run(t *testing.T, binary string, env []string) string {
	t.Helper()
	clock := exec.Command(binary)
	clock.Env = append(env, "PORT=0", "ADMIN_PORT=0", "LISTEN_HOST=127.0.0.1", "HOSTNAME=clock-1", "OTEL_BSP_SCHEDULE_DELAY=20")
	out, err := clock.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := clock.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = clock.Process.Kill()
		_ = clock.Wait()
	})
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatalf("the clock ended: %v", err)
		}
		var started struct{ Msg, Address string }
		if json.Unmarshal(line, &started) == nil && started.Msg == "started" {
			go io.Copy(io.Discard, lines) // ends with the process
			return started.Address
		}
	}
}
