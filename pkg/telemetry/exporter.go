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

// newExporter returns the exporter that the settings name, or nil. Only this function distinguishes exporters.
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

// newOTLPExporter returns an exporter that sends spans by OTLP over HTTP with protobuf. If a collector reports that it is busy, the
// exporter retries after the time in the collector's response, or after growing pauses, until the context of the export ends.
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

// otlpEndpoint returns the complete URL to which spans are posted.
func otlpEndpoint(s *SDK) string {
	return cmp.Or(s.OTLPTracesEndpoint, strings.TrimSuffix(s.OTLPEndpoint, "/")+"/v1/traces")
}

// exportClient connects to the collector directly, not through a proxy, and is never traced: its spans would cause further spans.
func exportClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second},
	}
}

// closingExporter closes its client's connections on shutdown.
type closingExporter struct {
	sdk.SpanExporter
	client *http.Client
}

// Shutdown implements sdk.SpanExporter.
func (e closingExporter) Shutdown(ctx context.Context) error {
	defer e.client.CloseIdleConnections()
	return e.SpanExporter.Shutdown(ctx)
}
