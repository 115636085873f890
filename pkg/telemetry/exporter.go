package telemetry

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// newExporter makes the exporter that the settings name, nil for none. It is the only function that knows one exporter from another.
func newExporter(c *Config, stdout io.Writer) (sdk.SpanExporter, error) {
	switch c.exporter() {
	case "zipkin":
		const specified = "http://localhost:9411/api/v2/spans" // the default of OpenTelemetry's specification
		return newZipkinExporter(cmp.Or(c.ZipkinEndpoint, specified), exportClient(10*time.Second))
	case "otlp":
		return newOTLPExporter(&c.SDK, exportClient(time.Duration(c.SDK.OTLPTimeout)*time.Millisecond))
	case "console":
		return stdouttrace.New(stdouttrace.WithWriter(stdout))
	default:
		return nil, nil
	}
}

// newOTLPExporter sends spans by OTLP over HTTP with protobuf. A collector that says it is busy is asked again, as late as it wishes or
// after growing pauses, as long as the context of the export allows.
func newOTLPExporter(s *SDK, client *http.Client) (sdk.SpanExporter, error) {
	headers := map[string]string{}
	pairs, err := parsePairs(s.OTLPHeaders)
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		headers[p.key] = p.value
	}
	compression := otlptracehttp.NoCompression
	if s.OTLPCompression == "gzip" {
		compression = otlptracehttp.GzipCompression
	}
	exporter, err := otlptracehttp.New(context.Background(),
		otlptracehttp.WithEndpointURL(otlpEndpoint(s)),
		otlptracehttp.WithHeaders(headers),
		otlptracehttp.WithCompression(compression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: 30 * time.Second}),
		otlptracehttp.WithHTTPClient(client),
	)
	if err != nil {
		return nil, err
	}
	return closingExporter{exporter, client}, nil
}

// otlpEndpoint is the whole URL that spans are posted to.
func otlpEndpoint(s *SDK) string {
	return cmp.Or(s.OTLPTracesEndpoint, strings.TrimSuffix(s.OTLPEndpoint, "/")+"/v1/traces")
}

// exportClient goes to the collector directly, past any proxy, and is never traced: its spans would beget spans.
func exportClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second},
	}
}

// closingExporter closes its client's connections at the end.
type closingExporter struct {
	sdk.SpanExporter
	client *http.Client
}

// Shutdown implements sdk.SpanExporter.
func (e closingExporter) Shutdown(ctx context.Context) error {
	defer e.client.CloseIdleConnections()
	return e.SpanExporter.Shutdown(ctx)
}
