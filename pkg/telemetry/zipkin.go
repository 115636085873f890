package telemetry

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"go.opentelemetry.io/otel/exporters/zipkin" //nolint:staticcheck // the suite supports it until its removal in 2027; OTEL_TRACES_EXPORTER=otlp is the successor
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// newZipkinExporter returns OpenTelemetry's exporter for Zipkin's format. Its client's transport changes two things: any 2xx is success,
// and an error has the collector's own text. Span names are sent in lower case, as in Zipkin's JSON model.
func newZipkinExporter(url string, client *http.Client) (sdk.SpanExporter, error) {
	wrapped := *client
	wrapped.Transport = zipkinTransport{client.Transport}
	exporter, err := zipkin.New(url, zipkin.WithClient(&wrapped))
	if err != nil {
		return nil, err
	}
	return closingExporter{exporter, client}, nil
}

// zipkinTransport sends the requests of OpenTelemetry's exporter.
type zipkinTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t zipkinTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		resp.StatusCode = http.StatusAccepted // the only status that the exporter accepts as success
		return resp, nil
	}
	defer resp.Body.Close()
	reason, _ := io.ReadAll(io.LimitReader(resp.Body, 256))
	return nil, fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(reason))
}

// CloseIdleConnections is called by http.Client on its transport.
func (t zipkinTransport) CloseIdleConnections() {
	if closer, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
