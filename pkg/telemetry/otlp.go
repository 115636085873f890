package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// otlpClient sends spans by OTLP over HTTP with protobuf (https://opentelemetry.io/docs/specs/otlp/#otlphttp). It is the
// client for OpenTelemetry's otlptrace exporter; the one of otlptracehttp brings all of gRPC into each binary, which made a fifth
// of a service's size and memory.
type otlpClient struct {
	url     string
	headers []pair
	gzip    bool
	client  *http.Client
}

// Start implements otlptrace.Client.
func (c *otlpClient) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *otlpClient) Stop(context.Context) error {
	c.client.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. A collector that says it is busy is asked again, with growing pauses, as long as ctx
// allows; the queue bounds that by OTEL_BSP_EXPORT_TIMEOUT.
func (c *otlpClient) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// TracesData is, on the wire, the ExportTraceServiceRequest whose package needs gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	if c.gzip {
		body = compress(body)
	}
	for pause := time.Second; ; pause *= 2 {
		again, err := c.post(ctx, body)
		if err == nil || again < 0 {
			return err
		}
		select {
		case <-time.After(max(again, pause/2+rand.N(pause))):
		case <-ctx.Done():
			return err
		}
	}
}

// post sends one request. With an error it says after what time the collector may be asked again, -1 for never.
func (c *otlpClient) post(ctx context.Context, body []byte) (again time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if c.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	for _, h := range c.headers {
		req.Header.Set(h.key, h.value)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return -1, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return time.Duration(max(0, seconds)) * time.Second, fmt.Errorf("POST %s: %s", c.url, resp.Status)
	default:
		return -1, fmt.Errorf("POST %s: %s", c.url, resp.Status)
	}
}

func compress(body []byte) []byte {
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	_, _ = writer.Write(body) // a buffer takes everything
	_ = writer.Close()
	return buffer.Bytes()
}
