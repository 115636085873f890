package telemetry

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// TestOTLP sends a span to a collector, uncompressed and compressed, and reads it there.
func TestOTLP(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"none", "gzip"} {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			var got tracepb.TracesData
			var path, authorization string
			collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				path, authorization = r.URL.Path, r.Header.Get("Authorization")
				body := io.Reader(r.Body)
				if r.Header.Get("Content-Encoding") == "gzip" {
					body, _ = gzip.NewReader(r.Body)
				}
				text, _ := io.ReadAll(body)
				if err := proto.Unmarshal(text, &got); err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" {
					w.WriteHeader(http.StatusBadRequest)
				}
			}))
			defer collector.Close()
			settings := settings()
			settings.Exporter = "otlp"
			settings.SDK.OTLPEndpoint, settings.SDK.OTLPCompression, settings.SDK.OTLPHeaders = collector.URL, compression, "Authorization=Bearer%20x"
			exporter, err := newExporter(&settings, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if err := exporter.ExportSpans(t.Context(), tracetest.SpanStubs{stub(func(*tracetest.SpanStub) {})}.Snapshots()); err != nil {
				t.Fatal(err)
			}
			if err := exporter.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(got.ResourceSpans) != 1 || got.ResourceSpans[0].ScopeSpans[0].Spans[0].Name != "GET /Hops" {
				t.Errorf("the collector got %v, wanted the span", &got)
			}
			if path != "/v1/traces" || authorization != "Bearer x" {
				t.Errorf("path %q with authorization %q, wanted /v1/traces with the header of the settings", path, authorization)
			}
		})
	}
}

// TestOTLPEndpoint: the endpoint for traces is used unchanged, the common one with the path added.
func TestOTLPEndpoint(t *testing.T) {
	t.Parallel()
	got := []string{
		otlpEndpoint(&SDK{OTLPEndpoint: "http://a:1/"}),
		otlpEndpoint(&SDK{OTLPEndpoint: "http://a:1/base"}),
		otlpEndpoint(&SDK{OTLPEndpoint: "http://a:1", OTLPTracesEndpoint: "http://b:2/x"}),
	}
	if d := cmp.Diff([]string{"http://a:1/v1/traces", "http://a:1/base/v1/traces", "http://b:2/x"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestOTLPRetry: the exporter retries a busy collector after the time in the collector's response; it does not retry a rejected export.
func TestOTLPRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			codes    []int
			requests int32
			failed   string
		}{
			{[]int{503, 429, 200}, 3, ""},
			{[]int{400}, 1, "Bad Request"},
			{[]int{503, 503, 503, 503, 503, 503, 503, 503}, 4, "the reason"}, // at 0, 5, 10 and 15 s or a little later
		} {
			var requests atomic.Int32
			client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				code := c.codes[requests.Add(1)-1]
				header := http.Header{"Retry-After": {"5"}}
				return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: header, Body: io.NopCloser(strings.NewReader("the reason")), Request: r}, nil
			})}
			exporter, err := newOTLPExporter(&SDK{OTLPEndpoint: "http://collector.test"}, client)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 18*time.Second)
			err = exporter.ExportSpans(ctx, tracetest.SpanStubs{stub(func(*tracetest.SpanStub) {})}.Snapshots())
			cancel()
			if requests.Load() != c.requests {
				t.Errorf("%v: %d requests, wanted %d", c.codes, requests.Load(), c.requests)
			}
			if c.failed == "" && err != nil || c.failed != "" && (err == nil || !strings.Contains(err.Error(), c.failed)) {
				t.Errorf("%v: error %v, wanted %q", c.codes, err, c.failed)
			}
		}
	})
}
