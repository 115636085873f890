package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// TestSetup: a span arrives at the collector with the identity and the attributes of the standard's variables, and within the limits that
// they set.
func TestSetup(t *testing.T) {
	t.Parallel()
	var body []byte
	url, _ := receiver(t, http.StatusAccepted, &body)
	cfg := settings()
	cfg.ZipkinEndpoint = url
	cfg.SDK.ResourceAttributes = "team=hop%20line,service.name=not-this"
	cfg.SDK.SpanAttributeCount = 1
	tel, err := Setup(&cfg, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracer.Start(t.Context(), "x")
	span.SetAttributes(attribute.String("kept", "1"), attribute.String("over", "2"))
	span.End()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := decodeSpans(t, body)
	if len(spans) != 1 {
		t.Fatalf("the collector got %s", body)
	}
	tags := spans[0]["tags"].(map[string]any)
	for key, want := range map[string]any{"team": "hop line", "service.name": "front", "service.version": "amber", "host.name": "front-amber-1", "kept": "1", "over": nil} {
		if tags[key] != want {
			t.Errorf("tag %s is %v, wanted %v", key, tags[key], want)
		}
	}
}

// TestConsole: spans are written among the logs, one line each.
func TestConsole(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cfg := settings()
	cfg.Exporter = "console"
	tel, err := Setup(&cfg, &out)
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracer.Start(t.Context(), "shown")
	span.End()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got struct{ Name string }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Name != "shown" {
		t.Errorf("%v in %s", err, out.String())
	}
}

// TestPropagators: the list determines which headers are sent; tracecontext and B3 are both read.
func TestPropagators(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"b3multi":              "x-b3-sampled x-b3-spanid x-b3-traceid",
		"b3":                   "b3",
		"b3,b3multi":           "b3 x-b3-sampled x-b3-spanid x-b3-traceid",
		"tracecontext,baggage": "baggage traceparent",
		"tracecontext, b3":     "b3 traceparent",
	} {
		p, err := newPropagator(list)
		if err != nil {
			t.Fatal(err)
		}
		_, span := tracer(t).Start(t.Context(), "x")
		member, _ := baggage.NewMember("k", "v")
		bag, _ := baggage.New(member)
		carrier := propagation.MapCarrier{}
		p.Inject(baggage.ContextWithBaggage(trace.ContextWithSpan(t.Context(), span), bag), carrier)
		got := map[string]bool{}
		for key := range carrier {
			got[strings.ToLower(key)] = true
		}
		wanted := map[string]bool{}
		for key := range strings.FieldsSeq(want) {
			wanted[key] = true
		}
		if d := cmp.Diff(wanted, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", list, d)
		}
	}
	both, err := newPropagator("tracecontext,b3multi")
	if err != nil {
		t.Fatal(err)
	}
	in := propagation.HeaderCarrier{"Traceparent": {"00-" + longID + "-" + parent + "-00"}}
	if got := trace.SpanContextFromContext(both.Extract(context.Background(), in)); got.TraceID().String() != longID || got.IsSampled() {
		t.Errorf("traceparent was read as %v", got)
	}
}
