package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// zipkinExporter posts spans to a Zipkin collector. OpenTelemetry's own exporter is deprecated and took half of all the time that a
// request costs, in reflection and maps; this one appends JSON to a buffer that it keeps. A test holds its spans against the
// other's. Two things differ on purpose: names keep their case, and any 2xx is success, as some collectors answer 200.
type zipkinExporter struct {
	url    string
	client *http.Client

	// The queue exports one batch at a time, so these need no lock.
	buffer   []byte
	resource *resource.Resource // whose part of a span is in encoder
	encoder  spanEncoder
}

// ExportSpans implements sdk.SpanExporter.
func (e *zipkinExporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	e.buffer = append(e.buffer[:0], '[')
	for i, span := range spans {
		if i > 0 {
			e.buffer = append(e.buffer, ',')
		}
		if e.resource != span.Resource() {
			e.resource = span.Resource()
			e.encoder = newSpanEncoder(e.resource)
		}
		e.buffer = e.encoder.append(e.buffer, span)
	}
	e.buffer = append(e.buffer, ']')
	return e.post(ctx, e.buffer)
}

func (e *zipkinExporter) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	reason, _ := io.ReadAll(io.LimitReader(resp.Body, 256)) // read to the end, so that the connection can be used again
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("POST %s: %s: %s", e.url, resp.Status, bytes.TrimSpace(reason))
	}
	return nil
}

// Shutdown implements sdk.SpanExporter.
func (e *zipkinExporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}
