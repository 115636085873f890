package telemetry

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/zipkin" //nolint:staticcheck // the services export with it
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// TestZipkinAsReference compares what a collector gets with OpenTelemetry's model of each span.
func TestZipkinAsReference(t *testing.T) {
	t.Parallel()
	stubs := tracetest.SpanStubs{
		stub(func(s *tracetest.SpanStub) {}),
		stub(func(s *tracetest.SpanStub) { s.SpanKind = trace.SpanKindServer; s.Parent = trace.SpanContext{} }),
		stub(func(s *tracetest.SpanStub) {
			s.SpanKind = trace.SpanKindClient
			s.Attributes = []attribute.KeyValue{semconv.ServerAddress("middle"), semconv.ServerPort(80)}
		}),
		stub(func(s *tracetest.SpanStub) {
			s.SpanKind = trace.SpanKindProducer
			s.Attributes = []attribute.KeyValue{semconv.ServerAddress("low"), attribute.String("peer.service", "high")}
		}),
		stub(func(s *tracetest.SpanStub) { s.SpanKind = trace.SpanKindConsumer }),
		stub(func(s *tracetest.SpanStub) { s.Status = sdk.Status{Code: codes.Error, Description: "it \"broke\"\n"} }),
		stub(func(s *tracetest.SpanStub) { s.Status = sdk.Status{Code: codes.Ok} }),
		stub(func(s *tracetest.SpanStub) { s.Attributes = []attribute.KeyValue{attribute.String("error", "not one")} }),
		stub(func(s *tracetest.SpanStub) { s.EndTime = s.StartTime }),
		stub(func(s *tracetest.SpanStub) { s.EndTime = s.StartTime.Add(1) }),
		stub(func(s *tracetest.SpanStub) { s.EndTime = s.StartTime.Add(1500) }),
		stub(func(s *tracetest.SpanStub) {
			s.SpanContext = s.SpanContext.WithTraceID(trace.TraceID{8: 0x48, 15: 1}) // 64 bits
		}),
		stub(func(s *tracetest.SpanStub) {
			s.Attributes = []attribute.KeyValue{
				attribute.Bool("bool", true), attribute.Int("int", -3), attribute.Float64("float", 1.5e-9), attribute.Float64("big", 1e22),
				attribute.StringSlice("strings", []string{"a", `"b"`}), attribute.IntSlice("ints", []int{1, 2}),
				attribute.BoolSlice("bools", []bool{true, false}), attribute.Float64Slice("floats", []float64{0.5, math.MaxFloat64}),
				attribute.String("service.name", "the resource's goes first"),
			}
		}),
		stub(func(s *tracetest.SpanStub) {
			s.Events = []sdk.Event{
				{Name: "plain", Time: s.StartTime.Add(time.Millisecond)},
				{Name: "with", Time: s.StartTime.Add(2 * time.Millisecond), Attributes: []attribute.KeyValue{attribute.Int("n", 1), attribute.String("s", "x")}},
			}
		}),
	}
	var body []byte
	url, client := receiver(t, http.StatusAccepted, &body)
	exporter := newZipkin(t, url, client)
	if err := exporter.ExportSpans(t.Context(), stubs.Snapshots()); err != nil {
		t.Fatal(err)
	}
	theirs, err := json.Marshal(zipkin.SpanModels(stubs.Snapshots()))
	if err != nil {
		t.Fatal(err)
	}
	want, got := decodeSpans(t, theirs), decodeSpans(t, body)
	if len(got) != len(stubs) {
		t.Fatalf("%d spans, wanted %d", len(got), len(stubs))
	}
	for i, span := range got {
		if d := cmp.Diff(want[i], span); d != "" {
			t.Errorf("span %d (-theirs +ours):\n%s", i, d)
		}
	}
}

// stub returns a typical span, changed by with.
func stub(with func(*tracetest.SpanStub)) tracetest.SpanStub {
	began := time.Date(2026, 1, 2, 3, 4, 5, 678901499, time.UTC)
	s := tracetest.SpanStub{
		Name:        "GET /Hops",
		SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 15: 2}, SpanID: trace.SpanID{3}, TraceFlags: 1}),
		Parent:      trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 15: 2}, SpanID: trace.SpanID{7: 4}}),
		StartTime:   began, EndTime: began.Add(12345678),
		Resource: resource.NewSchemaless(semconv.ServiceName("front"), semconv.HostName("front-1")),
	}
	s.InstrumentationScope.Name = "scope"
	with(&s)
	return s
}

func decodeSpans(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var spans []map[string]any
	if err := json.Unmarshal(text, &spans); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return spans
}

// receiver starts a collector that responds with code and keeps the last body.
func receiver(t *testing.T, code int, body *[]byte) (url string, client *http.Client) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*body, _ = io.ReadAll(r.Body)
		http.Error(w, "the reason", code)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/api/v2/spans", server.Client()
}

// TestZipkinRefused: the error has the collector's text.
func TestZipkinRefused(t *testing.T) {
	t.Parallel()
	var body []byte
	url, client := receiver(t, http.StatusBadRequest, &body)
	exporter := newZipkin(t, url, client)
	err := exporter.ExportSpans(t.Context(), tracetest.SpanStubs{stub(func(*tracetest.SpanStub) {})}.Snapshots())
	if err == nil || !strings.Contains(err.Error(), "400 Bad Request: the reason") {
		t.Errorf("error %v, wanted status and reason", err)
	}
	if err := exporter.ExportSpans(cancelled(t), tracetest.SpanStubs{stub(func(*tracetest.SpanStub) {})}.Snapshots()); err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("error %v, wanted the context's", err)
	}
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func newZipkin(t *testing.T, url string, client *http.Client) sdk.SpanExporter {
	t.Helper()
	exporter, err := newZipkinExporter(url, client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := exporter.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return exporter
}

// TestZipkinAccepted: any 2xx is success, because some collectors respond with 200.
func TestZipkinAccepted(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusOK, http.StatusAccepted, http.StatusNoContent} {
		var body []byte
		url, client := receiver(t, code, &body)
		if err := newZipkin(t, url, client).ExportSpans(t.Context(), tracetest.SpanStubs{stub(func(*tracetest.SpanStub) {})}.Snapshots()); err != nil {
			t.Errorf("%d: %v", code, err)
		}
	}
}
