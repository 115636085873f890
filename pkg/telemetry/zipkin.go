package telemetry

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	//lint:ignore SA1019 the suite is asked for with it until it leaves in 2027; OTEL_TRACES_EXPORTER=otlp is the way on
	"go.opentelemetry.io/otel/exporters/zipkin"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// newZipkinExporter returns OpenTelemetry's exporter for Zipkin's format. Two things differ from it, both in the transport of its client:
// any 2xx is success, and an error has the collector's own words. Span names arrive in lower case, as Zipkin's JSON model writes them.
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
		resp.StatusCode = http.StatusAccepted // the only one that the exporter takes for success
		return resp, nil
	}
	defer resp.Body.Close()
	reason, _ := io.ReadAll(io.LimitReader(resp.Body, 256))
	return nil, fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(reason))
}

// CloseIdleConnections is what http.Client calls on its transport.
func (t zipkinTransport) CloseIdleConnections() {
	if closer, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
