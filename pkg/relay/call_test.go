package relay

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// TestSpanAsReference compares client spans with otelhttp's: kind, status and attributes. The name is the contract's.
func TestSpanAsReference(t *testing.T) {
	t.Parallel()
	address := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(map[string]int{"/ok": 200, "/missing": 404, "/broken": 500}[r.URL.Path])
		_, _ = io.WriteString(w, "body")
	})
	for name, c := range map[string]struct{ method, url, body string }{
		"ok":      {"GET", address + "/ok?x=1", ""},
		"body":    {"POST", address + "/ok", "hello"},
		"missing": {"GET", address + "/missing", ""},
		"broken":  {"HEAD", address + "/broken", ""},
		"refused": {"GET", closedPort(t) + "/ok", ""},
		"unknown": {"GET", "http://nowhere.invalid/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs := tracetest.NewSpanRecorder()
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			instrumented := http.Client{Transport: otelhttp.NewTransport(transport,
				otelhttp.WithTracerProvider(sdk.NewTracerProvider(sdk.WithSpanProcessor(theirs))), otelhttp.WithPropagators(propagation.TraceContext{}))}
			if resp, err := instrumented.Do(request(t, c.method, c.url, c.body)); err == nil {
				resp.Body.Close()
			}
			ours := newRig(t, Options{})
			if resp, err := ours.client.Do(request(t, c.method, c.url, c.body), "test"); err == nil {
				resp.Body.Close()
			}
			want, got := describe(theirs.Ended()[0]), describe(ours.spans.Ended()[0])
			if want["name"] != "HTTP "+c.method {
				t.Errorf("the reference's name is %v", want["name"])
			}
			want["name"] = c.method + " " + request(t, "GET", c.url, "").URL.Host
			if strings.HasPrefix(got["status"].(string), "Error: http") { // ours has the URL before the reason
				_, reason, _ := strings.Cut(got["status"].(string), request(t, "GET", c.url, "").URL.Path+": ")
				got["status"] = "Error: " + reason
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-otelhttp +ours):\n%s", d)
			}
		})
	}
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	return r
}

// describe returns the parts of a span that are compared.
func describe(span sdk.ReadOnlySpan) map[string]any {
	d := map[string]any{"name": span.Name(), "kind": span.SpanKind().String(), "status": span.Status().Code.String() + ": " + span.Status().Description}
	for _, kv := range span.Attributes() {
		d[string(kv.Key)] = kv.Value.AsInterface()
	}
	return d
}

// TestSpanEnds: a span ends with the body, not with the header, and is the parent of the upstream's span.
func TestSpanEnds(t *testing.T) {
	t.Parallel()
	var parent string
	address := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		parent = r.Header.Get("X-B3-Spanid")
		_, _ = io.WriteString(w, "body")
	})
	rig := newRig(t, Options{})
	resp, err := rig.client.Do(request(t, "GET", address, ""), "test")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(rig.spans.Ended()); n != 0 {
		t.Errorf("%d spans ended before the body was read", n)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	ended := rig.spans.Ended()
	if len(ended) != 1 || ended[0].SpanContext().SpanID().String() != parent || ended[0].SpanKind() != trace.SpanKindClient {
		t.Errorf("ended: %v, the upstream's parent was %s", ended, parent)
	}
}

// TestClientMetrics: the labels are upstream, method and code (error for calls without a response), and no label has a value from outside.
func TestClientMetrics(t *testing.T) {
	t.Parallel()
	rig := newRig(t, Options{})
	address := upstream(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	for _, method := range []string{"GET", "GET", "BREW"} {
		resp, err := rig.client.Do(request(t, method, address, ""), "configured")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if _, err := rig.client.Do(request(t, "GET", closedPort(t), ""), "configured"); err == nil {
		t.Fatal("a closed port responded")
	}
	const want = `# HELP http_client_requests_in_flight Calls whose response has not begun.
# TYPE http_client_requests_in_flight gauge
http_client_requests_in_flight{upstream="configured"} 0
# HELP http_client_requests_total Calls to upstreams. The code is error without a response.
# TYPE http_client_requests_total counter
http_client_requests_total{code="503",method="GET",upstream="configured"} 2
http_client_requests_total{code="503",method="_OTHER",upstream="configured"} 1
http_client_requests_total{code="error",method="GET",upstream="configured"} 1
`
	if err := testutil.GatherAndCompare(rig.tel.Registry, strings.NewReader(want), "http_client_requests_total", "http_client_requests_in_flight"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(rig.tel.Registry, "http_client_request_duration_seconds"); err != nil || n != 3 {
		t.Errorf("%d series of durations, %v; wanted 3", n, err)
	}
}
