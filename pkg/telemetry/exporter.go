package telemetry

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// newExporter makes the exporter that the settings name, nil for none. It is the only place that knows one exporter from another.
func newExporter(c *Config, stdout io.Writer) (sdk.SpanExporter, error) {
	switch c.exporter() {
	case "zipkin":
		endpoint := c.ZipkinEndpoint
		if endpoint == "" {
			endpoint = "http://localhost:9411/api/v2/spans" // the specification's default
		}
		return &zipkinExporter{url: endpoint, client: exportClient(10 * time.Second)}, nil
	case "otlp":
		return otlptrace.New(context.Background(), newOTLPClient(&c.SDK))
	case "console":
		return stdouttrace.New(stdouttrace.WithWriter(stdout))
	default:
		return nil, nil
	}
}

func newOTLPClient(s *SDK) *otlpClient {
	endpoint := s.OTLPTracesEndpoint
	if endpoint == "" {
		endpoint = strings.TrimSuffix(s.OTLPEndpoint, "/") + "/v1/traces"
	}
	headers, _ := parsePairs(s.OTLPHeaders) // checked by Validate
	return &otlpClient{
		url: endpoint, headers: headers, gzip: s.OTLPCompression == "gzip",
		client: exportClient(time.Duration(s.OTLPTimeout) * time.Millisecond),
	}
}

// exportClient goes to the collector directly, past any proxy, and is never traced: its spans would beget spans.
func exportClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second},
	}
}
