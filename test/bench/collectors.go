package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collectors are where servers export their spans to, each by the protocol that it speaks.
type collectors struct {
	zipkin *sink
	otlp   *otlpSink
}

func newCollectors() (*collectors, error) {
	zipkin, err := zipkinSink()
	if err != nil {
		return nil, err
	}
	otlp, err := newOTLPSink()
	if err != nil {
		return nil, err
	}
	return &collectors{zipkin, otlp}, nil
}

func (c *collectors) spans() int64 { return c.zipkin.spans() + c.otlp.count.Load() }

// otlpSink takes spans by OTLP, over HTTP and over gRPC, and keeps nothing but their number.
type otlpSink struct {
	address string
	count   atomic.Int64
}

// newOTLPSink serves a sink on loopback, for as long as this process lives.
func newOTLPSink() (*otlpSink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &otlpSink{address: l.Addr().String()}
	server := &http.Server{Handler: s, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(l)
	return s, nil
}

func (s *otlpSink) endpoint() string { return "http://" + s.address }

// ServeHTTP answers an export with success. Over gRPC a message has a head of five bytes, and the status is a trailer
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
func (s *otlpSink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 5<<20))
	grpc := strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
	if err == nil && grpc {
		message, err = grpcMessage(message)
	}
	var spans tracepb.TracesData // as bytes the same as the request
	if err == nil {
		err = proto.Unmarshal(message, &spans)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, resource := range spans.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			s.count.Add(int64(len(scope.Spans)))
		}
	}
	if !grpc {
		w.Header().Set("Content-Type", "application/x-protobuf")
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	_, _ = w.Write(make([]byte, 5)) // an empty message
	w.Header().Set("Grpc-Status", "0")
}

// grpcMessage is the one message of a call.
func grpcMessage(body []byte) ([]byte, error) {
	if len(body) < 5 || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		return nil, fmt.Errorf("want one message without compression, got %d bytes", len(body))
	}
	return body[5:], nil
}
