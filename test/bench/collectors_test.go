package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// TestOTLPSink checks that the sink counts spans over HTTP and over gRPC, and rejects other bodies.
func TestOTLPSink(t *testing.T) {
	t.Parallel()
	s, err := newOTLPSink()
	if err != nil {
		t.Fatal(err)
	}
	spans := &tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{Name: "a"}, {Name: "b"}}}}}}}
	message, err := proto.Marshal(spans)
	if err != nil {
		t.Fatal(err)
	}
	head := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	transport := &http.Transport{Protocols: new(http.Protocols)}
	defer transport.CloseIdleConnections()
	transport.Protocols.SetUnencryptedHTTP2(true)
	overHTTP2 := &http.Client{Transport: transport}
	for _, c := range []struct {
		name, contentType string
		client            *http.Client
		body              []byte
		code              int
		count             int64
	}{
		{"HTTP", "application/x-protobuf", http.DefaultClient, message, 200, 2},
		{"gRPC", "application/grpc", overHTTP2, append(head, message...), 200, 4},
		{"no spans", "application/x-protobuf", http.DefaultClient, []byte("no"), 400, 4},
		{"half a message", "application/grpc", overHTTP2, head, 400, 4},
	} {
		resp, err := c.client.Post(s.endpoint(), c.contentType, bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.code || s.count.Load() != c.count {
			t.Errorf("%s: %d, and %d spans counted, wanted %d and %d", c.name, resp.StatusCode, s.count.Load(), c.code, c.count)
		}
		if status := resp.Trailer.Get("Grpc-Status"); c.client == overHTTP2 && c.code == 200 && status != "0" {
			t.Errorf("%s: status %q, wanted 0", c.name, status)
		}
	}
}
