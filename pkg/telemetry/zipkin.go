package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	//lint:ignore SA1019 the suite is asked for with it until it leaves in 2027; OTEL_TRACES_EXPORTER=otlp is the way on
	"go.opentelemetry.io/otel/exporters/zipkin"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// newZipkinExporter sends spans to a Zipkin collector by OpenTelemetry's exporter. Three things differ from it, all of them in the
// transport of its client: names keep their case, any 2xx is success, and an error says what the collector said.
func newZipkinExporter(url string, client *http.Client) (sdk.SpanExporter, error) {
	wrapped := *client
	wrapped.Transport = zipkinTransport{client.Transport}
	exporter, err := zipkin.New(url, zipkin.WithClient(&wrapped))
	if err != nil {
		return nil, err
	}
	return zipkinExporter{closingExporter{exporter, client}}, nil
}

// zipkinExporter tells its transport which spans a request carries.
type zipkinExporter struct{ sdk.SpanExporter }

type batchKey struct{}

// ExportSpans implements sdk.SpanExporter. The error of an export that was cut short is the context's.
func (e zipkinExporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(context.WithValue(ctx, batchKey{}, spans), spans)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", err, ctx.Err())
	}
	return err
}

// zipkinTransport sends the requests of OpenTelemetry's exporter.
type zipkinTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t zipkinTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	body := make([]byte, r.ContentLength) // known: the exporter has written all of it
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, err
	}
	r.Body.Close()
	spans, _ := r.Context().Value(batchKey{}).([]sdk.ReadOnlySpan)
	restoreNames(body, spans)
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.GetBody = nil
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

// restoreNames writes the spans' names as they are over those of body, which Zipkin's JSON model writes in lower case: the names of
// HTTP spans begin with a method. The name follows the ids, so that no tag can be taken for it. A name that has another length in lower
// case stays as it is.
func restoreNames(body []byte, spans []sdk.ReadOnlySpan) {
	for _, span := range spans {
		name, err := json.Marshal(span.Name())
		lower, err2 := json.Marshal(strings.ToLower(span.Name()))
		if err != nil || err2 != nil || len(name) != len(lower) {
			continue
		}
		head := `"id":"` + span.SpanContext().SpanID().String() + `",`
		if parent := span.Parent().SpanID(); parent.IsValid() {
			head += `"parentId":"` + parent.String() + `",`
		}
		head += `"name":`
		at := bytes.Index(body, append([]byte(head), lower...))
		if at < 0 {
			continue
		}
		copy(body[at+len(head):], name)
		body = body[at:]
	}
}
